"""Why items stand in a slate: the interest that each serves and the events that count most for it.

Worked out by live workers after slates are written, when there is time: one person costs as much as about
thirty slates. A slate made since keeps nothing of it: reasons are written only to the slate they explain.

Legend: P people, K items of each, N items of the log's catalogue.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray
from psycopg2.extras import execute_values

from interests.learning import attribution
from interests.learning.trained import TrainedNetwork
from interests.models import EndUser
from interests.selectors import events
from interests.selectors.events import DatabaseLog, LoadedCatalogue
from interests.services import tracking
from recommender.models import Slate
from recommender.ranking import reasons
from recommender.ranking.reasons import Evidence, StoredReason

# Of a slate, from the top: what pages show and people see.
NUM_ITEMS = 20
# The newest events of each that are looked at; see docs/experiments.md for what older ones would add.
NUM_EVENTS = 30
# An item is popular, or rises, when it stands among this share of all items.
CROWD_SHARE = 0.1

# Whoever is writing a slate makes its reasons obsolete: nobody waits for them.
LOCK = "SELECT id FROM recommender_slate WHERE id = ANY(%s) FOR NO KEY UPDATE SKIP LOCKED"
WRITE = """
    UPDATE recommender_slate slate SET reasons = fresh.reasons
    FROM (VALUES %s) AS fresh(id, generated_at, reasons)
    WHERE slate.id = fresh.id AND slate.generated_at = fresh.generated_at
"""


@dataclass(frozen=True)
class _Explained:
    """A slate whose first items are being explained."""

    pk: int
    end_user: int
    items: list[int]
    generated_at: datetime
    events_through: datetime | None


def unexplained(keys: Collection[int], *, publication_id: int) -> list[int]:
    """Return which of these people have a slate in a publication whose reasons are not worked out yet.

    Args:
        keys: of end users; the order is kept.
    """
    slates = Slate.objects.filter(
        publication=publication_id, end_user__in=keys, reasons__isnull=True
    )
    found = set(slates.values_list("end_user_id", flat=True))
    return [key for key in keys if key in found]


def explain(
    keys: Sequence[int],
    *,
    publication_id: int,
    network: TrainedNetwork,
    log: DatabaseLog | None = None,
    catalogue: LoadedCatalogue | None = None,
) -> int:
    """Work out and write why the first items of some people's slates are there; return for how many slates.

    Slates that have seen other events than the log holds are passed over: their people are marked, and get
    reasons with their next slate. So are slates that are made anew meanwhile. Call it for some tens of
    people at a time, after the transaction that wrote their slates: they are written together at the end.

    Args:
        keys: of end users.
        publication_id: whose slates.
        network: of that publication.
        log: with the histories of these people and perhaps others; read here where None.
        catalogue: what `events.load_catalogue` returned lately, for reading the log.
    """
    if log is None:
        log = events.interaction_log(end_users=list(keys), catalogue=catalogue, ties=tracking.TIES)
    slates = _slates(keys, publication_id=publication_id, log=log)
    if not slates:
        return 0
    grown = network.grown(log.log.catalogue)
    weights = _weights([slate.end_user for slate in slates])
    return _write(slates, _reasons(slates, grown, log, weights))


def _slates(keys: Sequence[int], *, publication_id: int, log: DatabaseLog) -> list[_Explained]:
    """Return the slates that have seen just the events of the log."""
    rows = Slate.objects.filter(publication=publication_id, end_user__in=keys).values_list(
        "pk", "end_user_id", f"items__0_{NUM_ITEMS}", "generated_at", "events_through"
    )
    through = dict(zip(log.user_keys.tolist(), log.events_through.tolist(), strict=True))
    slates = [_Explained(*row) for row in rows]
    return [
        slate
        for slate in slates
        if slate.items
        and slate.end_user in through
        and slate.events_through == through[slate.end_user].replace(tzinfo=UTC)
    ]


def _weights(keys: Sequence[int]) -> dict[int, dict[int, float]]:
    rows = EndUser.objects.filter(pk__in=keys, current_state__isnull=False).values_list(
        "pk", "current_state__category_ids", "current_state__weights"
    )
    return {key: dict(zip(categories, weights, strict=True)) for key, categories, weights in rows}


def _reasons(
    slates: Sequence[_Explained],
    network: TrainedNetwork,
    log: DatabaseLog,
    weights: Mapping[int, Mapping[int, float]],
) -> list[list[StoredReason]]:
    """Return why the first items of each slate are there; items that the network lacks are passed over."""
    index = network.item_index(log.log.catalogue)
    places = _places(slates, index, log)
    known = np.where(places >= 0, places, np.argmax(index >= 0))  # any stands in for none
    users = np.searchsorted(log.user_keys, [slate.end_user for slate in slates])
    gains = attribution.gains(network, log.log, users=users, items=known, last=NUM_EVENTS)
    found = [
        [
            _reason(
                item, log=log, gains=own, column=column, interests=weights.get(slate.end_user, {})
            )
            for column, item in enumerate(row)
            if item >= 0
        ]
        for slate, row, own in zip(slates, places.tolist(), gains, strict=True)
    ]
    found = _with_those_that_stand_in(found, users, known, network=network, log=log)
    crowd = _crowds(network)
    place = dict(zip(log.item_keys.tolist(), index.tolist(), strict=True))
    return [
        [own if own.events else replace(own, crowd=crowd(place[own.item])) for own in row]
        for row in found
    ]


def _with_those_that_stand_in(
    found: Sequence[list[StoredReason]],
    users: NDArray[np.int64],
    items: NDArray[np.int64],
    *,
    network: TrainedNetwork,
    log: DatabaseLog,
) -> list[list[StoredReason]]:
    """Return the reasons, items that no single event lifts with those that lift them together.

    Asked are all events of the interest that the item serves.
    """
    wanted = sorted(
        {
            (row, own.category)
            for row, its in enumerate(found)
            for own in its
            if not own.events and own.category
        }
    )
    rows = [row for row, _ in wanted]
    groups = [
        _of_interest(int(users[row]), category, network=network, log=log)
        for row, category in wanted
    ]
    changes = attribution.together(
        network, log.log, users=users[rows], items=items[rows], events=groups
    )
    gains = {
        (row, category, item): (group, gain)
        for (row, category), group, change in zip(wanted, groups, changes.tolist(), strict=True)
        for item, gain in zip(log.item_keys[items[row]].tolist(), change, strict=True)
    }
    return [
        [
            own
            if own.events or not own.category
            else _standing_in(own, log, *gains[row, own.category, own.item])
            for own in its
        ]
        for row, its in enumerate(found)
    ]


def _standing_in(
    reason: StoredReason, log: DatabaseLog, group: NDArray[np.int64], gain: float
) -> StoredReason:
    keys = log.log.positions[group].tolist()
    items = log.item_keys[log.log.items[group]].tolist()
    named = reasons.standing_in(list(zip(keys, items, strict=True)), gain=gain)
    return replace(reason, events=named, together=len(keys) if named else 0)


def _of_interest(
    user: int, category: int, *, network: TrainedNetwork, log: DatabaseLog
) -> NDArray[np.int64]:
    """Return a person's events with items of a category, as places in the log: those that count now.

    Not those before the network's window, nor negative ones.
    """
    own = np.arange(*log.log.offsets[[user, user + 1]])
    is_known = network.item_index(log.log.catalogue)[log.log.items[own]] >= 0
    own = own[is_known][-network.config.max_length :]
    column = int(np.searchsorted(log.category_keys[:-1], category))
    is_of_it = log.log.catalogue.shares[log.log.items[own], column] > 0
    wanted: NDArray[np.int64] = own[is_of_it & ~log.log.is_negative[own]]
    return wanted


def _places(
    slates: Sequence[_Explained], index: NDArray[np.int64], log: DatabaseLog
) -> NDArray[np.int64]:
    """Return where the items stand in the log's catalogue, -1 for what it or the network lacks. [P, K]"""
    places = np.full((len(slates), NUM_ITEMS), -1)
    for row, slate in enumerate(slates):
        items = np.array(slate.items, np.int64)
        found = np.minimum(np.searchsorted(log.item_keys, items), len(log.item_keys) - 1)
        is_known = (log.item_keys[found] == items) & (index[found] >= 0)
        places[row, : len(items)] = np.where(is_known, found, -1)
    return places


def _reason(
    item: int,
    *,
    log: DatabaseLog,
    gains: attribution.Gains,
    column: int,
    interests: Mapping[int, float],
) -> StoredReason:
    own = np.flatnonzero(log.log.catalogue.shares[item])
    category, weight = reasons.interest_served(log.category_keys[own].tolist(), interests)
    return StoredReason(
        item=int(log.item_keys[item]),
        category=category,
        weight=weight,
        events=reasons.leading(
            Evidence(*own)
            for own in zip(
                log.log.positions[gains.events].tolist(),
                log.item_keys[log.log.items[gains.events]].tolist(),
                gains.gains[:, column].tolist(),
                strict=True,
            )
        ),
    )


def _crowds(network: TrainedNetwork) -> Callable[[int], str]:
    """Return what says of an item, by its place in the network, whether it rises or is popular, or neither."""
    bias = network.network.item_bias.detach().float().cpu().numpy()
    rises = network.trend
    popular_from, rising_from = (np.quantile(values, 1 - CROWD_SHARE) for values in (bias, rises))

    def crowd(place: int) -> str:
        if rises[place] >= max(rising_from, reasons.MIN_GAIN):
            return reasons.TRENDING
        return reasons.POPULAR if bias[place] >= popular_from else ""

    return crowd


def _write(slates: Sequence[_Explained], found: Sequence[list[StoredReason]]) -> int:
    rows = [
        (slate.pk, slate.generated_at, json.dumps([reason.to_plain() for reason in own]))
        for slate, own in zip(slates, found, strict=True)
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK, [[slate.pk for slate in slates]])
        free = {row[0] for row in cursor.fetchall()}
        kept = [row for row in rows if row[0] in free]
        if kept:
            execute_values(
                cursor.cursor,
                WRITE,
                kept,
                template="(%s, %s::timestamptz, %s::jsonb)",
                page_size=1000,
            )
        return cursor.rowcount if kept else 0
