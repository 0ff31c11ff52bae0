"""Where the tracker stands with end users, on its way into the table and out of it.

Only what `services.tracking` hands over is stored. A snapshot holds for the run, network and categories it was
made with, and for a person whose first events are still the same ones in the same order.

Legend: C categories, L events of a person, S numbers of a standing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from interests.models import TrackerSnapshot
from interests.services import copying
from interests.tracking import mixture, standings
from interests.tracking.histories import History
from interests.tracking.standings import Standing

MADE_BY = f"{mixture.VERSION}/{standings.FORMAT}"
COLUMNS = (
    "end_user_id", "tracking_run_id", "training_run_id", "made_by", "category_ids", "num_events",
    "network_from", "fingerprint", "numbers",
)  # fmt: skip
READ = """
    SELECT end_user_id, num_events, network_from, fingerprint, numbers
    FROM interests_trackersnapshot
    WHERE end_user_id = ANY(%(keys)s) AND tracking_run_id IS NOT DISTINCT FROM %(tracking_run)s
    AND training_run_id IS NOT DISTINCT FROM %(training_run)s
    AND made_by = %(made_by)s AND category_ids = %(categories)s::int[]
"""
DELETE = """
    DELETE FROM interests_trackersnapshot
    WHERE end_user_id = ANY(%(keys)s) AND tracking_run_id IS NOT DISTINCT FROM %(tracking_run)s
"""


@dataclass(frozen=True)
class Basis:
    """What standings are worked out with.

    Attributes:
        tracking_run: whose knowledge of other people it is; None: no run is done yet
        training_run: whose network has its say; None: without a network
        category_keys: in the order of the shares. [C]
    """

    tracking_run: int | None
    training_run: int | None
    category_keys: NDArray[np.int64]


@dataclass(frozen=True)
class Tracked:
    """One end user whose events are known.

    Attributes:
        keys: of the events in their order. [L]
        marks: what `replaying.fingerprints` says of them. [L + 1]
    """

    end_user: int
    history: History
    keys: NDArray[np.int64]
    marks: NDArray[np.uint64]


def load(people: Sequence[Tracked], *, basis: Basis) -> list[Standing | None]:
    """Return where the tracker stands with each of some people; None: their events are to be replayed. One query."""
    values = {
        "keys": [person.end_user for person in people],
        "tracking_run": basis.tracking_run,
        "training_run": basis.training_run,
        "made_by": MADE_BY,
        "categories": basis.category_keys.tolist(),
    }
    with connection.cursor() as cursor:
        cursor.execute(READ, values)
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    return [_standing(person, rows.get(person.end_user)) for person in people]


def write(
    found: Sequence[tuple[Tracked, Standing]], *, basis: Basis, replaces: bool = True
) -> None:
    """Keep where the tracker stands with people, within the transaction of the caller, who has locked them.

    Args:
        replaces: whether there may be older ones of the same run.
    """
    if not found:
        return
    keys = [person.end_user for person, _ in found]
    with connection.cursor() as cursor:
        if replaces:
            cursor.execute(DELETE, {"keys": keys, "tracking_run": basis.tracking_run})
        copying.copy_rows(
            cursor, table="interests_trackersnapshot", columns=COLUMNS, rows=_rows(found, basis)
        )


def forget(keys: Collection[int]) -> None:
    """Remove what is kept of end users whose events are all gone."""
    if keys:
        TrackerSnapshot.objects.filter(end_user__in=keys).delete()


def remove_of(run_id: int) -> None:
    """Remove what an earlier attempt of a run left."""
    TrackerSnapshot.objects.filter(tracking_run=run_id).delete()


def forget_before(run_id: int) -> None:
    """Remove what belongs to runs that are older than one that is done: nobody goes on from there."""
    TrackerSnapshot.objects.exclude(tracking_run__gte=run_id).delete()


def _standing(person: Tracked, row: tuple[int, int, int, memoryview] | None) -> Standing | None:
    if row is None:
        return None
    num_events, network_from, fingerprint, numbers = row
    if num_events >= len(person.marks) or _signed(person.marks[num_events]) != fingerprint:
        return None
    found = Standing(num_events, network_from, np.frombuffer(numbers, "<f4"))
    return found if found.is_of(person.history) else None


def _signed(fingerprint: np.uint64) -> int:
    return int(fingerprint.view(np.int64))


def _rows(found: Sequence[tuple[Tracked, Standing]], basis: Basis) -> Iterator[bytes]:
    for person, standing in found:
        yield copying.row(
            copying.bigint(person.end_user),
            copying.bigint(basis.tracking_run),
            copying.bigint(basis.training_run),
            copying.sized(MADE_BY.encode()),
            copying.array(basis.category_keys, copying.INTEGERS),
            copying.integer(standing.num_events),
            copying.integer(standing.network_from),
            copying.bigint(_signed(person.marks[-1])),
            copying.sized(standing.numbers.astype("<f4").tobytes()),
        )
