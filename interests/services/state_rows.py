"""Interest states on their way into the table: worked out of a history, written by COPY.

Legend: M moments, C categories, D width of the network's embeddings.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from interests.drift.scores import DriftScores, drift_scores, new_to
from interests.services import copying
from interests.tracking import mixture, timeline
from interests.tracking.histories import History
from interests.tracking.population import Population
from interests.tracking.protocol import Track

COLUMNS = (
    "end_user_id", "tracking_run_id", "training_run_id", "tracker_version", "at", "category_ids",
    "weights", "long_term", "short_term", "event_shares", "vector", "drift_score", "rising",
    "falling", "new", "num_events", "active_days", "events_through", "created_at",
)  # fmt: skip
NUM_FIELDS = struct.pack(">h", len(COLUMNS))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Knowledge:
    """What every state of one run is worked out with.

    Attributes:
        population: what other people taught the tracker
        session_correlation: for the drift score
        category_keys: in the order of the shares, 0 for "uncategorised". [C]
        tracking_run: key of the run; None: live
        training_run: key of the network's training; None: no network
        embeddings: mean embedding of each category's items; None: no network. [C, D]
    """

    population: Population
    session_correlation: float
    category_keys: NDArray[np.int64]
    tracking_run: int | None = None
    training_run: int | None = None
    embeddings: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class States:
    """The states of one end user at several moments.

    Attributes:
        after: number of events at each moment, ascending, int64. [M]
        begin: number of events at the state before the first of these
        first: number of events that the first row of the track has seen
    """

    end_user: int
    events_through: datetime
    history: History
    track: Track
    after: NDArray[np.int64]
    begin: int = 0
    first: int = 0


def rows(
    states: States, *, knowledge: Knowledge, now: datetime, drift: DriftScores | None = None
) -> Iterator[bytes]:
    """Yield the rows that a binary COPY takes, one for each moment.

    Args:
        drift: at these moments; None: worked out here.
    """
    history, after, track = states.history, states.after, states.track
    if drift is None:
        drift = drift_scores(
            history,
            after=after,
            population=knowledge.population.shares,
            session_correlation=knowledge.session_correlation,
        )
    days = timeline.active_days(history, after=after).tolist()
    shares = timeline.shares_between(history, after=after, begin=states.begin)
    new = new_to(history, drift, after=after)
    categories = knowledge.category_keys
    head = b"".join(
        (
            copying.bigint(states.end_user),
            copying.bigint(knowledge.tracking_run),
            copying.bigint(knowledge.training_run),
            copying.sized(mixture.VERSION.encode()),
        )
    )
    category_ids = copying.array(categories, copying.INTEGERS)
    tail = copying.timestamp(microseconds(states.events_through)) + copying.timestamp(
        microseconds(now)
    )
    for row, number in enumerate(after.tolist()):
        place = number - states.first
        score = float(drift.scores[row])
        fields = (
            head,
            copying.timestamp(int(history.times[number - 1])),
            category_ids,
            copying.array(track.weights[place]),
            copying.array(track.long_term[place]),
            copying.array(track.short_term[place]),
            copying.array(shares[row]),
            _vector(track.weights[place], knowledge.embeddings),
            copying.double(None if math.isnan(score) else score),
            copying.array(categories[drift.rising(row)], copying.INTEGERS),
            copying.array(categories[drift.falling(row)], copying.INTEGERS),
            copying.array(categories[new[row]], copying.INTEGERS),
            copying.integer(number),
            copying.integer(days[row]),
            tail,
        )
        yield NUM_FIELDS + b"".join(fields)


def insert(made: Sequence[bytes]) -> None:
    """Write rows into the table of states."""
    with connection.cursor() as cursor:
        copying.copy_rows(cursor, table="interests_intereststate", columns=COLUMNS, rows=made)


def microseconds(moment: datetime) -> int:
    """Return a time as a log has it."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment(microseconds: np.integer[Any] | int) -> datetime:
    """Return a log's time as a datetime in UTC."""
    naive: datetime = np.datetime64(int(microseconds), "us").astype(datetime)
    return naive.replace(tzinfo=UTC)


def _vector(weights: NDArray[np.float64], embeddings: NDArray[np.float64] | None) -> bytes:
    return copying.NULL if embeddings is None else copying.vector(weights @ embeddings)
