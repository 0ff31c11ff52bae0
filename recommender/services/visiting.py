"""Visits of simulated people to a demo: they ask what to show, look at it, click, and find things themselves.

What they truly want is theirs (`interests.drift.visitors`), begins as their last events say, and then changes; the
site knows it from events alone, as it would of anybody.
"""

from __future__ import annotations

import csv
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Q

from interests.drift.visitors import LAST_EVENTS, VISITOR, Visitors
from interests.models import EndUser
from interests.selectors import events
from interests.selectors.events import DatabaseLog
from interests.services import recording
from recommender.services import answer_counts, demonstrating, recommending

# A visitor finds something beside the list in this share of visits, and whenever nothing in it was clicked.
FINDS_CHANCE = 0.4


class NobodySimulated(Exception):
    """The site holds no simulated people; made-up visits would stand among events of real ones."""


@dataclass(frozen=True)
class Visited:
    """What one visit came to: items shown and clicked, and events that call for a new slate."""

    shown: int
    clicked: int
    marked: int


class Visits:
    """The simulated people of this site, ready to visit it."""

    def __init__(self, *, seed: int | None = None) -> None:
        """Read who there is and what they did last.

        Args:
            seed: 0 or more, of everything that is drawn; None: another each time.

        Raises:
            NobodySimulated: the site was not filled with a simulated population.
        """
        people = _simulated_people()
        if not people:
            raise NobodySimulated(
                "This site holds no simulated population, and made-up visits do not belong among events of real "
                "people. Start a demo without data of your own: make demo RECSITE_HOME=.recsite-simulated"
            )
        known = events.interaction_log(end_users=people)
        catalogue = known.log.catalogue
        self._item_ids = [str(one) for one in catalogue.item_ids]
        self._place = {item_id: place for place, item_id in enumerate(self._item_ids)}
        self._rng = np.random.default_rng(seed)
        self._visitors = Visitors(
            [str(one) for one in known.log.user_ids],
            weights=_last_interests(known),
            shares=catalogue.shares,
            popularity=np.bincount(known.log.items, minlength=catalogue.num_items).astype(float),
            seed=int(self._rng.integers(2**32)),
        )

    def once(self, *, now: datetime) -> Visited:
        """Let one visitor come; the caller wakes the live worker where somebody was marked."""
        visitor = self._visitors.next()
        user_id = self._visitors.names[visitor]
        began = time.perf_counter()
        answer = recommending.recommend(user_id=user_id, now=now)
        if answer.variants:
            answer_counts.note(
                answer.variants,
                user_id=user_id,
                seconds=time.perf_counter() - began,
                items=[one.item for one in answer.items],
            )
        shown = [one.item_id for one in answer.items]
        places = [self._place.get(item_id, -1) for item_id in shown]
        clicks = self._visitors.clicks(visitor, places)
        told: list[dict[str, Any]] = [
            {"item_id": item_id, "kind": "impression"} for item_id in shown
        ]
        for item_id, place, is_clicked in zip(shown, places, clicks, strict=True):
            if is_clicked:
                told += self._click(visitor, item_id, place)
        for event in told:
            event["recommendation_id"] = answer.recommendation_id
        if not any(clicks) or self._rng.random() < FINDS_CHANCE:
            found = self._visitors.finds(visitor)
            told += [{"item_id": self._item_ids[found], "kind": "view"}]
        recorded = recording.record_events(
            events=[one | {"event_id": uuid.uuid4().hex, "user_id": user_id} for one in told],
            now=now,
        )
        return Visited(len(shown), sum(clicks), recorded.marked)

    def _click(self, visitor: int, item_id: str, place: int) -> list[dict[str, Any]]:
        """Return the events of a click: the view, how long it was looked at, and what was made of it."""
        dwell = {"kind": "dwell", "value": self._visitors.looks_for(visitor, place)}
        said = self._visitors.says(visitor, place)
        kinds: list[dict[str, Any]] = [{"kind": "view"}, dwell, *([{"kind": said}] if said else [])]
        return [{"item_id": item_id, **kind} for kind in kinds]


def _simulated_people() -> list[int]:
    """Return the keys of the people that were imported, and of those who came as visitors: of nobody else."""
    names: set[str] = set()
    for source in demonstrating.simulated_folders():
        table = source / "users.csv"
        if table.exists():
            with table.open(newline="") as rows:
                names |= {row["user_id"] for row in csv.DictReader(rows)}
    people = EndUser.objects.filter(Q(user_id__in=names) | Q(user_id__startswith=VISITOR))
    return list(people.values_list("pk", flat=True))


def _last_interests(known: DatabaseLog) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the mean shares of everybody's last events, negative ones aside; even ones for who has none. [U, C]"""
    log = known.log
    place_from_end = log.offsets[log.users + 1] - np.arange(log.num_events)  # 1: the last
    is_late = ~log.is_negative & (place_from_end <= LAST_EVENTS)
    found = np.zeros((log.num_users, log.catalogue.shares.shape[1]))
    np.add.at(found, log.users[is_late], log.catalogue.shares[log.items[is_late]])
    sums = found.sum(axis=1, keepdims=True)
    return np.where(sums > 0, found / np.maximum(sums, 1), 1 / found.shape[1])
