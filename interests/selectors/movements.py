"""What everybody turns to and away from: events of late against those before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Max
from numpy.typing import NDArray

from interests.models import Interaction
from interests.selectors import copying, states
from interests.selectors.states import CategoryName

RECENT = timedelta(weeks=4)
BEFORE = timedelta(weeks=12)
# Fewer end users on either side say nothing of a population.
MIN_END_USERS = 20
SURE = 3.0
# Of the noise of independent events; people who all act alike by chance must not look certain.
MIN_NOISE = 0.5

PARTS = """
    SELECT event.end_user_id, coalesce(own.category_id, 0)::bigint,
        coalesce(sum(1.0 / greatest(sizes.size, 1)) FILTER (WHERE event.occurred_at > %s), 0)::float8,
        coalesce(sum(1.0 / greatest(sizes.size, 1)) FILTER (WHERE event.occurred_at <= %s), 0)::float8
    FROM interests_used_interaction AS event
    JOIN interests_eventkind AS kind ON kind.id = event.kind_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS size FROM interests_item_used_categories AS counted
        WHERE counted.item_id = event.item_id
    ) AS sizes
    LEFT JOIN interests_item_used_categories AS own ON own.item_id = event.item_id
    WHERE event.occurred_at > %s AND event.occurred_at <= %s AND kind.weight >= 0
    GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Movement:
    """How much of everybody's events falls to one category, of late and before.

    Attributes:
        before: share of the events of the twelve weeks before, 0 to 1
        now: share of the events of the last four weeks, 0 to 1
        significance: the change in standard deviations of what chance does, end users being drawn
        is_sure: whether it is more than noise
    """

    category: CategoryName
    before: float
    now: float
    significance: float
    is_sure: bool

    @property
    def change(self) -> float:
        return self.now - self.before


@dataclass(frozen=True)
class Movements:
    """The largest rises and falls, the surest first; both empty where there is too little to say."""

    rising: list[Movement]
    falling: list[Movement]
    until: datetime | None
    num_events_now: int
    num_events_before: int
    num_end_users: int


def rising_and_falling(*, limit: int, now: datetime | None = None) -> Movements:
    """Return what the population turns to and away from: the last four weeks against twelve before.

    Args:
        limit: at most so many of each.
        now: end of the four weeks; None: the newest event whose time is not doubtful.
    """
    if now is None:
        sound = Interaction.objects.filter(is_time_doubtful=False)
        now = sound.aggregate(newest=Max("occurred_at"))["newest"]
        if now is None:
            return Movements([], [], None, 0, 0, 0)
    users, keys, recent, before = _parts(now)
    facts = (now, round(recent.sum()), round(before.sum()), len(np.unique(users)))
    if min(_people(users, recent), _people(users, before)) < MIN_END_USERS:
        return Movements([], [], *facts)
    rows = _movements(users, keys, recent, before)
    rising = sorted((row for row in rows if row.change > 0), key=lambda row: -row.significance)
    falling = sorted((row for row in rows if row.change < 0), key=lambda row: row.significance)
    return Movements(rising[:limit], falling[:limit], *facts)


def _parts(
    now: datetime,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    since = now - RECENT
    columns = copying.columns(
        query=PARTS,
        parameters=[since, since, since - BEFORE, now],
        types={"user": "i8", "category": "i8", "recent": "f8", "before": "f8"},
    )
    return columns["user"], columns["category"], columns["recent"], columns["before"]


def _people(users: NDArray[np.int64], amounts: NDArray[np.float64]) -> int:
    return len(np.unique(users[amounts > 0]))


def _movements(
    users: NDArray[np.int64],
    keys: NDArray[np.int64],
    recent: NDArray[np.float64],
    before: NDArray[np.float64],
) -> list[Movement]:
    """Compare shares; one person's events hang together, so noise is that of drawing other people.

    A category's change is a sum over people of (own part - its share x own events) / all events, recent
    less before; the variance of such a sum is the sum of the squares.
    """
    names = states.category_names()
    _, person = np.unique(users, return_inverse=True)
    totals = [np.bincount(person, amounts).astype(np.float64) for amounts in (recent, before)]
    found = []
    for key in np.unique(keys[keys != states.UNCATEGORISED_ID]):
        own = keys == key
        parts = [
            np.bincount(person[own], amounts[own], len(totals[0])).astype(np.float64)
            for amounts in (recent, before)
        ]
        shares = [part.sum() / total.sum() for part, total in zip(parts, totals, strict=True)]
        terms = [
            (part - share * total) / total.sum()
            for part, share, total in zip(parts, shares, totals, strict=True)
        ]
        noise = max(
            float(np.sqrt(((terms[0] - terms[1]) ** 2).sum())),
            MIN_NOISE * _independent_noise(parts, totals),
        )
        significance = float(shares[0] - shares[1]) / noise if noise > 0 else 0.0
        found.append(
            Movement(
                category=states.named(names, int(key)),
                before=float(shares[1]),
                now=float(shares[0]),
                significance=significance,
                is_sure=abs(significance) >= SURE,
            )
        )
    return found


def _independent_noise(
    parts: list[NDArray[np.float64]], totals: list[NDArray[np.float64]]
) -> float:
    """Return the standard deviation of the change if each event were drawn by itself."""
    recent, before = (total.sum() for total in totals)
    share = sum(part.sum() for part in parts) / (recent + before)
    return float(np.sqrt(share * (1 - share) * (1 / recent + 1 / before)))
