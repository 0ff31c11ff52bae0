"""Where the tracker stands with end users, on its way into the table and out of it.

Only what `services.tracking` hands over is stored. A snapshot holds for the run, network and categories it was
made with, and for a person whose first events are still the same ones in the same order.

Legend: C categories, L events of a person, S numbers of a standing.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from interests.drift import replaying
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
# PostgreSQL's binary COPY: signature, flags, extension; each row its number of columns, each column its size.
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
INTEGER_TYPE = 23


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
    """

    end_user: int
    history: History
    keys: NDArray[np.int64]


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
    statement = f"COPY interests_trackersnapshot ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)"
    with connection.cursor() as cursor:
        if replaces:
            cursor.execute(DELETE, {"keys": keys, "tracking_run": basis.tracking_run})
        copying.copy_in(cursor, statement=statement, blocks=_blocks(found, basis))


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
    if num_events > len(person.keys) or _fingerprint(person.keys[:num_events]) != fingerprint:
        return None
    found = Standing(num_events, network_from, np.frombuffer(numbers, "<f4"))
    return found if found.is_of(person.history) else None


def _fingerprint(keys: NDArray[np.int64]) -> int:
    return int(replaying.fingerprints(keys)[-1:].view(np.int64)[0])


def _blocks(found: Sequence[tuple[Tracked, Standing]], basis: Basis) -> Iterator[bytes]:
    made_by = MADE_BY.encode()
    before = _number(basis.tracking_run) + _number(basis.training_run) + _sized(made_by)
    before += _sized(_integers(basis.category_keys))
    yield HEADER
    for person, standing in found:
        yield struct.pack(">hiq", len(COLUMNS), 8, person.end_user) + before
        yield struct.pack(">iiii", 4, standing.num_events, 4, standing.network_from)
        yield struct.pack(">iq", 8, _fingerprint(person.keys))
        yield _sized(standing.numbers.astype("<f4").tobytes())
    yield TRAILER


def _number(value: int | None) -> bytes:
    return struct.pack(">i", -1) if value is None else struct.pack(">iq", 8, value)


def _sized(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


def _integers(values: NDArray[np.int64]) -> bytes:
    """Return an array of integers: dimensions, flags, type, length, first index, then size and value of each."""
    elements = np.empty(len(values), np.dtype([("size", ">i4"), ("value", ">i4")]))
    elements["size"], elements["value"] = 4, values
    return struct.pack(">iiiii", 1, 0, INTEGER_TYPE, len(values), 1) + elements.tobytes()
