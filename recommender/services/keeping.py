"""What each web process keeps in memory: the shelf of items and the rules of placements.

The first request loads it. From then on a thread looks every half second which statements have changed
something (`ShelfChange`, written by triggers) and reads only that again, so no request waits for it.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from recommender.models import ShelfChange
from recommender.selectors import plans as plans_of
from recommender.selectors import shelf_rows
from recommender.selectors.plans import Plans
from recommender.selectors.shelf_rows import ChangeRow
from recommender.services.shelf import Shelf

# Changes stay for KEPT after they were first seen; a process that has not looked for half of it
# reads everything again.
REFRESH_SECONDS = 0.5
KEPT = timedelta(minutes=10)
MAX_KNOWN = 2_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept; replaced as a whole where rules change, so that an answer never mixes two states."""

    shelf: Shelf
    plans: Plans


class Keeper:
    """Keeps it for one process.

    Attributes:
        looks_itself: whether every call of `current` looks for changes and no thread does, as tests want it
    """

    def __init__(self) -> None:
        self.looks_itself = False
        self._kept: Kept | None = None
        self._pid = 0
        self._known: set[int] = set()
        self._looked_at = 0.0
        self._lock = threading.RLock()
        self._stop = threading.Event()

    def current(self) -> Kept:
        """Return what is kept, loaded now where nothing is."""
        kept = self._kept
        if kept is None or self._pid != os.getpid():
            return self._begin()
        if self.looks_itself:
            self.refresh(now=timezone.now())
            kept = self._kept or kept
        return kept

    def forget(self) -> None:
        """Drop everything; the next call of `current` loads it again."""
        self._stop.set()
        self._stop = threading.Event()
        self._kept, self._known = None, set()

    def refresh(self, *, now: datetime) -> None:
        """Read again what has changed since the last look."""
        with self._lock:
            if self._kept is None:
                return
            if time.monotonic() - self._looked_at > KEPT.total_seconds() / 2:
                self._load(now=now)
                return
            self._looked_at = time.monotonic()
            changes = shelf_rows.changes(sorted(self._known))
            if changes:
                self._take_in(changes, self._kept, now=now)
            self._kept.shelf.look_at_due(now=now)

    def _begin(self) -> Kept:
        with self._lock:
            if self._kept is None or self._pid != os.getpid():
                self._pid = os.getpid()
                self._load(now=timezone.now())
                if not self.looks_itself:
                    threading.Thread(
                        target=self._go_on_looking, args=(self._stop,), name="shelf", daemon=True
                    ).start()
            assert self._kept is not None
            return self._kept

    def _load(self, *, now: datetime) -> None:
        # What changes while everything is read may be read twice, and is not missed.
        self._known = {change[0] for change in shelf_rows.changes([])}
        self._looked_at = time.monotonic()
        plans = plans_of.load()
        shelf = Shelf.load(plans_of.expressions_in(plans), now=now)
        shelf.find(plans_of.pinned_in(plans))
        self._kept = Kept(shelf, plans)

    def _take_in(self, changes: list[ChangeRow], kept: Kept, *, now: datetime) -> None:
        kinds = {kind for _, kind, _ in changes}
        kind_of = ShelfChange.Kind
        items = [keys for _, kind, keys in changes if kind == kind_of.ITEMS]
        if None in items:
            self._load(now=now)
            return
        shelf, plans = kept.shelf, kept.plans
        if kind_of.PLANS in kinds:
            plans = plans_of.load()
            shelf.keep_compiled(plans_of.expressions_in(plans), now=now)
            shelf.find(plans_of.pinned_in(plans))
        # Rules name categories: where one is renamed, its new name and the rules that name it come together,
        # before all that takes its time.
        is_renamed = kind_of.CATEGORIES in kinds and shelf.read_categories()
        if kind_of.PLANS in kinds:
            self._kept = Kept(shelf, plans)
        shelf.read_items({key for keys in items for key in keys or ()}, now=now)
        if is_renamed:
            shelf.recompile(now=now)
        if kind_of.POPULAR in kinds:
            shelf.read_popular()
        self._known.update(change[0] for change in changes)
        if len(self._known) > MAX_KNOWN:
            self._known &= set(ShelfChange.objects.values_list("pk", flat=True))

    def _go_on_looking(self, stop: threading.Event) -> None:
        is_well = True
        while not stop.wait(REFRESH_SECONDS):
            try:
                connection.close_if_unusable_or_obsolete()
                self.refresh(now=timezone.now())
                is_well = True
            except (DatabaseError, InterfaceError) as error:
                connection.close()
                if is_well:  # once is enough for the log
                    log.warning("shelf_not_refreshed", error=str(error))
                is_well = False
            except Exception as error:  # the thread must live; what is kept stays as it is
                if is_well:
                    log.exception("shelf_not_refreshed", error=str(error))
                is_well = False
        connection.close()


keeper = Keeper()


def current() -> Kept:
    """Return what this process keeps."""
    return keeper.current()


def prune(*, now: datetime) -> int:
    """Remove changes that every process has seen; return how many.

    A change counts from when it was first seen here, not from when it was made: its transaction may have
    committed long after.
    """
    ShelfChange.objects.filter(noticed_at=None).update(noticed_at=now)
    num, _ = ShelfChange.objects.filter(noticed_at__lt=now - KEPT).delete()
    return num
