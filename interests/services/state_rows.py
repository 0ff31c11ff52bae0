"""Interest states on their way into the table: worked out of a history, written by COPY.

Legend: M moments, C categories, D width of the network's embeddings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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
NULL = "\\N"


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


def lines(
    states: States, *, knowledge: Knowledge, now: datetime, drift: DriftScores | None = None
) -> Iterator[str]:
    """Yield the lines that COPY takes, one for each moment.

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
    days = timeline.active_days(history, after=after)
    shares = timeline.shares_between(history, after=after, begin=states.begin)
    new = new_to(history, drift, after=after)
    for row, number in enumerate(after):
        place = number - states.first
        score = drift.scores[row]
        yield "\t".join(
            (
                str(states.end_user),
                NULL if knowledge.tracking_run is None else str(knowledge.tracking_run),
                NULL if knowledge.training_run is None else str(knowledge.training_run),
                mixture.VERSION,
                moment(history.times[number - 1]).isoformat(),
                _array(knowledge.category_keys),
                _array(track.weights[place]),
                _array(track.long_term[place]),
                _array(track.short_term[place]),
                _array(shares[row]),
                _vector(track.weights[place], knowledge.embeddings),
                NULL if np.isnan(score) else f"{score:.6g}",
                _array(knowledge.category_keys[drift.rising(row)]),
                _array(knowledge.category_keys[drift.falling(row)]),
                _array(knowledge.category_keys[new[row]]),
                str(number),
                str(days[row]),
                states.events_through.isoformat(),
                now.isoformat(),
            )
        )


def insert(rows: Sequence[str]) -> None:
    """Write lines into the table of states."""
    statement = f"COPY interests_intereststate ({', '.join(COLUMNS)}) FROM STDIN"
    with connection.cursor() as cursor:
        blocks = iter([("\n".join(rows) + "\n").encode()])
        copying.copy_in(cursor, statement=statement, blocks=blocks)


def moment(microseconds: np.integer[Any] | int) -> datetime:
    """Return a log's time as a datetime in UTC."""
    naive: datetime = np.datetime64(int(microseconds), "us").astype(datetime)
    return naive.replace(tzinfo=UTC)


def _array(numbers: NDArray[Any]) -> str:
    # Twelve digits keep the sum of the weights within 1e-10 of 1; the table asks for 1e-6.
    return "{" + ",".join([f"{number:.12g}" for number in numbers.tolist()]) + "}"


def _vector(weights: NDArray[np.float64], embeddings: NDArray[np.float64] | None) -> str:
    if embeddings is None:
        return NULL
    return "[" + ",".join([f"{number:.6g}" for number in (weights @ embeddings).tolist()]) + "]"
