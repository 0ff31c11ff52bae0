"""Runs held under a lease: one holder at a time, taken over when the holder is gone.

No broker guards long work: a message may be delivered twice, or again while the first is at work. The
row of the run does: whoever claims it writes with its attempt, renews the lease from a thread of its own
and learns at the next `Hold.report` that it was told to stop or has been overtaken.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from interests.models import Run, RunState

# A dead holder is replaced after at most this plus the beat that looks for it: about a minute.
LEASE_SECONDS: int = settings.RUN_LEASE_SECONDS
RENEWAL_SECONDS = LEASE_SECONDS / 4
# What the column of a run's seed holds.
MOST_SEED = 2**31 - 1

log = structlog.get_logger()
R = TypeVar("R", bound=Run)


class RunNotClaimed(Exception):
    """Somebody else holds the run, or it has ended already: leave it alone."""


class RunOvertaken(Exception):
    """Another holder has taken the run over; whatever this one still writes must not count."""


class RunStopped(Exception):
    """Somebody asked the run to stop."""


class RunLetGo(Exception):
    """The holder's process must end; the run waits for another one, and the attempt does not count."""


class RunInterrupted(Exception):
    """Something that the work needs has failed; another holder may go on at once, and the attempt counts."""


class CannotRun(Exception):
    """The run cannot be done as asked; the message says why and what to do. Not worth a second try."""


class Hold:
    """The right to work on one run, and the way to say how far it is."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._ended = threading.Event()
        self._is_overtaken = False
        self._thread = threading.Thread(target=self._renew, name=f"lease of {run}", daemon=True)
        self._thread.start()

    def mine(self) -> QuerySet[Any]:
        """Return the run's row if this holder still holds it, else nothing: update through this."""
        return type(self.run)._default_manager.filter(
            pk=self.run.pk, attempt=self.run.attempt, state=RunState.STARTED
        )

    def report(self, step: str, share_done: float, **fields: Any) -> None:
        """Write what is being done and how much of it, 0 to 1; `fields` are further columns of the run.

        Raises:
            RunStopped: somebody asked for it.
            RunOvertaken: another holder has the run.
        """
        share = min(max(share_done, 0.0), 1.0)
        if self._is_overtaken or not self.mine().update(
            step=step[:200], share_done=share, **fields
        ):
            raise RunOvertaken(f"{self.run} was taken over by another worker.")
        self.check()

    def check(self) -> None:
        """Raise `RunStopped` or `RunOvertaken` where there is reason to."""
        if self._is_overtaken:
            raise RunOvertaken(f"{self.run} was taken over by another worker.")
        if self.mine().filter(is_stop_requested=True).exists():
            raise RunStopped(f"{self.run} was asked to stop.")

    def end(
        self, state: RunState, *, results: dict[str, Any] | None = None, error: str = ""
    ) -> None:
        """End the run; inside a transaction that also shows its rows, it ends exactly when they show.

        Raises:
            RunOvertaken: another holder has the run.
        """
        fields: dict[str, Any] = {"state": state, "error": error, "finished_at": timezone.now()}
        if state == RunState.DONE:
            fields |= {"share_done": 1.0, "step": ""}
        if results is not None:
            fields["results"] = results
        if not self.mine().update(lease_expires_at=None, **fields):
            raise RunOvertaken(f"{self.run} was taken over by another worker.")
        for name, value in fields.items():
            setattr(self.run, name, value)

    def let_go(self) -> None:
        """Give the run back to be claimed by another, as if this attempt had not been."""
        self.release()
        self.mine().update(state=RunState.WAITING, attempt=F("attempt") - 1, lease_expires_at=None)

    def give_up(self, why: str) -> None:
        """Leave the run as a holder that died does, but at once."""
        self.release()
        self.mine().update(step=why[:200], lease_expires_at=timezone.now())

    def release(self) -> None:
        """Stop renewing the lease; the row stays as it is."""
        self._ended.set()
        self._thread.join(RENEWAL_SECONDS)

    def _renew(self) -> None:
        while not self._ended.wait(RENEWAL_SECONDS):
            try:
                expires_at = timezone.now() + timedelta(seconds=LEASE_SECONDS)
                row = type(self.run)._default_manager.filter(pk=self.run.pk)
                # A row that is not there yet was claimed in a transaction of the holder's own.
                if not self.mine().update(lease_expires_at=expires_at) and row.exists():
                    self._is_overtaken = True
            except DatabaseError as error:  # the database may be away for a while; try again
                log.warning("lease_not_renewed", run=str(self.run), error=str(error))
            finally:
                connection.close()


def claim(run_class: type[R], *, run_id: int, now: datetime) -> Hold:
    """Take a waiting run, or a started one whose holder is gone.

    Raises:
        RunNotClaimed: it has ended, or another holder is at work.
    """
    free = Q(state=RunState.WAITING) | Q(state=RunState.STARTED, lease_expires_at__lt=now)
    rows = run_class._default_manager.filter(free, pk=run_id, attempt__lt=run_class.max_attempts)
    claimed = rows.update(
        state=RunState.STARTED,
        attempt=F("attempt") + 1,
        started_at=now,
        lease_expires_at=now + timedelta(seconds=LEASE_SECONDS),
    )
    if not claimed:
        raise RunNotClaimed(f"{run_class._meta.verbose_name} {run_id} is held or has ended.")
    return Hold(run_class._default_manager.get(pk=run_id))


@contextmanager
def held(run_class: type[R], *, run_id: int) -> Iterator[Hold]:
    """Claim a run for the length of the block and write how it ended.

    The block calls `Hold.end(DONE, ...)` itself, where its rows become visible; a block that ends without
    is done. An exception makes the run failed (or stopped) with its reason and goes on.

    Raises:
        RunNotClaimed: it has ended, or another holder is at work.
    """
    hold = claim(run_class, run_id=run_id, now=timezone.now())
    with ending(hold):
        yield hold


@contextmanager
def ending(hold: Hold) -> Iterator[None]:
    """Write how a run that was claimed before ended, as `held` does."""
    try:
        yield
        if hold.run.state == RunState.STARTED:
            hold.end(RunState.DONE)
    except RunStopped:
        hold.end(RunState.STOPPED, error="Stopped by hand.")
        raise
    except RunOvertaken:
        raise
    except RunLetGo:
        hold.let_go()
        raise
    except RunInterrupted as error:
        hold.give_up(str(error))
        raise
    except Exception as error:
        hold.end(RunState.FAILED, error=describe(error))
        raise
    finally:
        hold.release()


def describe(error: BaseException) -> str:
    """Return what an error means to the reader of a run's page."""
    if isinstance(error, CannotRun):
        return str(error)
    if isinstance(error, OSError) and error.errno == 28:  # ENOSPC
        return f"The disk is full ({error.filename or 'no file named'}). Free some space and start again."
    return f"{type(error).__name__}: {error}"[:4000]


def request(
    run_class: type[R],
    *,
    now: datetime,
    requested_by: AbstractBaseUser | None = None,
    settings: dict[str, Any] | None = None,
    seed: int = 0,
    **fields: Any,
) -> R:
    """Make a waiting run; the caller enqueues its task after commit."""
    return run_class._default_manager.create(
        requested_at=now, requested_by=requested_by, settings=settings or {}, seed=seed, **fields
    )


def ask_to_stop(run_class: type[R], *, run_id: int, now: datetime) -> bool:
    """Ask a run to stop; a waiting one stops at once. Return whether there was one to ask."""
    rows = run_class._default_manager.filter(pk=run_id)
    waiting = rows.filter(state=RunState.WAITING).update(
        state=RunState.STOPPED, finished_at=now, error="Stopped by hand before it began."
    )
    return bool(waiting or rows.filter(state=RunState.STARTED).update(is_stop_requested=True))


def abandoned(run_class: type[R], *, now: datetime) -> list[int]:
    """Return the started runs whose holder is gone, failing those that had their last attempt."""
    lost = run_class._default_manager.filter(state=RunState.STARTED, lease_expires_at__lt=now)
    lost.filter(attempt__gte=run_class.max_attempts).update(
        state=RunState.FAILED,
        finished_at=now,
        lease_expires_at=None,
        error=f"Its worker died {run_class.max_attempts} times. See the worker's log.",
    )
    return list(lost.values_list("pk", flat=True).order_by("pk"))
