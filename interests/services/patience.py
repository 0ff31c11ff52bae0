"""Work that wants a few people for itself while events of theirs come in and live workers are at them.

Those lock rows in other orders. So whoever waits for long here lets go of everything and begins again: before
a request with events gives up, and before PostgreSQL looks for who waits for whom.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from psycopg2.errors import DeadlockDetected, LockNotAvailable

LOCK_MILLISECONDS = 200
PAUSE_SECONDS = 0.02
MOST_TRIES = 12

T = TypeVar("T")


def patiently(work: Callable[[], T]) -> T:
    """Do work in one transaction, again from the start where somebody else is in the way.

    Raises:
        OperationalError: somebody holds the rows for longer than some three seconds; nothing was done.
    """
    for attempt in range(1, MOST_TRIES):
        try:
            return _once(work)
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
                raise
            time.sleep(PAUSE_SECONDS * attempt)
    return _once(work)


def _once(work: Callable[[], T]) -> T:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
        return work()
