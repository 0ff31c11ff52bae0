"""Locks that are no rows: held to the end of the transaction, whoever else waits."""

from __future__ import annotations

from enum import IntEnum

from django.db import connection

# Any number of our own, so that other users of advisory locks in this database do not meet ours.
NAMESPACE = 7_283


class Lock(IntEnum):
    """What is done by one at a time."""

    CHAIN = 1  # looking what is newer than what, and requesting runs
    SWITCH = 2  # deciding what serves; shared by those who write into what serves
    OUTCOMES = 4  # counting what came of answers


def take(lock: Lock, *, is_shared: bool = False) -> None:
    """Wait for the lock and hold it until the transaction ends."""
    assert connection.in_atomic_block, "the lock would be gone at once"
    function = "pg_advisory_xact_lock_shared" if is_shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [NAMESPACE, int(lock)])
