"""Events out of the database in the plain form that learning, tracking and evaluation take.

Legend: E events, U end users, N items, C categories ("uncategorised" included, always the last).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from interests.datasets.descriptions import description_of
from interests.datasets.drawing import drawn
from interests.datasets.log import UNCATEGORISED, Catalogue, InteractionLog
from interests.models import Category, EventKind
from interests.selectors import attributes, copying

# PostgreSQL counts microseconds from 2000-01-01, the log from 1970-01-01.
EPOCH_DIFFERENCE = 946_684_800_000_000
UNCATEGORISED_KEY = 0

EVENTS = """
    SELECT id, end_user_id, item_id, kind_id, coalesce(value, 'NaN'), occurred_at, received_at
    FROM interests_used_interaction
"""
EVENT_COLUMNS = {
    "id": "i8",
    "user": "i8",
    "item": "i8",
    "kind": "i8",
    "value": "f8",
    "occurred_at": "i8",
    "received_at": "i8",
}


@dataclass(frozen=True)
class LoadedCatalogue:
    """The whole catalogue with the keys of its rows; load it once where many logs are read.

    Attributes:
        catalogue: all items in order of key, those without events and hidden ones too; categories in
            order of key, "uncategorised" last
        item_keys: primary keys, ascending, int64. [N]
        category_keys: primary keys, ascending, then 0 for "uncategorised", int64. [C]
        kind_keys: primary keys of the event kinds, ascending, int64
        kind_names: their names
        kind_weights: their weights, float32
    """

    catalogue: Catalogue
    item_keys: NDArray[np.int64]
    category_keys: NDArray[np.int64]
    kind_keys: NDArray[np.int64]
    kind_names: tuple[str, ...]
    kind_weights: NDArray[np.float32]


@dataclass(frozen=True)
class DatabaseLog:
    """Events of the database in order of end user, then time.

    Attributes:
        log: the sorted events; its users are the end users with at least one event, by key
        user_keys: primary keys of the end users, ascending, int64. [U]
        events_through: arrival of each end user's newest event in the log, UTC, datetime64[us]. [U]
        loaded: the catalogue that the log's items point into, with its keys
    """

    log: InteractionLog
    user_keys: NDArray[np.int64]
    events_through: NDArray[np.datetime64]
    loaded: LoadedCatalogue

    def of_categories(self, keys: Collection[int]) -> DatabaseLog:
        """Return the log with the columns of these categories alone; the others' parts are "uncategorised".

        Args:
            keys: primary keys; "uncategorised" stays anyway.
        """
        columns = np.isin(self.loaded.category_keys, [*keys, UNCATEGORISED_KEY])
        whole = self.loaded.catalogue
        shares = whole.shares[:, columns]
        shares[:, -1] += whole.shares[:, ~columns].sum(1)
        names = tuple(np.array(whole.category_names, object)[columns].tolist())
        catalogue = replace(whole, category_names=names, shares=shares)
        loaded = replace(
            self.loaded, catalogue=catalogue, category_keys=self.loaded.category_keys[columns]
        )
        return replace(self, log=replace(self.log, catalogue=catalogue), loaded=loaded)

    @property
    def item_keys(self) -> NDArray[np.int64]:
        """Return the primary keys of the items, int64. [N]"""
        return self.loaded.item_keys

    @property
    def category_keys(self) -> NDArray[np.int64]:
        """Return the primary keys of the categories, 0 for "uncategorised", int64. [C]"""
        return self.loaded.category_keys

    def of_users(self, users: range) -> DatabaseLog:
        """Return the log with the events of only some users, who keep their places in it."""
        first, last = self.log.offsets[[users.start, users.stop]]
        return replace(self, log=self.log.take(np.arange(first, last)))

    def happened_by(self, now: datetime) -> DatabaseLog:
        """Return the log without events dated after `now`; with all of them where none is before.

        A clock gone wrong dates an event years ahead: it is kept, but nothing may learn from it what
        comes last, and no window may end with it. `events_through` stays as it was.
        """
        is_past = self.log.times <= int(now.timestamp() * 1_000_000)
        if is_past.all() or not is_past.any():
            return self
        return replace(self, log=self.log.take(is_past))


def load_catalogue(*, with_descriptions: bool = False) -> LoadedCatalogue:
    """Return all items, categories and event kinds.

    Args:
        with_descriptions: the words of descriptions and attributes, too, for what learns from them.
    """
    kinds = list(EventKind.objects.order_by("pk").values_list("pk", "name", "weight"))
    used = Category.objects.filter(is_used=True).exclude(name=UNCATEGORISED)
    named = list(used.order_by("pk").values_list("pk", "name"))
    further = ", description, attributes" if with_descriptions else ""
    items = _rows(f"SELECT id, item_id, title{further} FROM interests_item ORDER BY id")
    item_keys = np.array([row[0] for row in items], np.int64)
    keys = np.array([key for key, _ in named], np.int64)
    return LoadedCatalogue(
        catalogue=Catalogue(
            item_ids=np.array([row[1] for row in items], object),
            titles=np.array([row[2] for row in items], object),
            category_names=(*(name for _, name in named), UNCATEGORISED),
            shares=_shares(item_keys=item_keys, category_keys=keys),
            descriptions=_descriptions(items) if with_descriptions else None,
        ),
        item_keys=item_keys,
        category_keys=np.append(keys, UNCATEGORISED_KEY),
        kind_keys=np.array([key for key, _, _ in kinds], np.int64),
        kind_names=tuple(name for _, name, _ in kinds),
        kind_weights=np.array([weight for _, _, weight in kinds], np.float32),
    )


def interaction_log(
    *,
    end_users: Collection[int] | None = None,
    until: datetime | None = None,
    arrived_until: datetime | None = None,
    last_key: int | None = None,
    ties: str = "random",
    seed: int = 0,
    catalogue: LoadedCatalogue | None = None,
    with_descriptions: bool = False,
    with_attributes: bool = False,
) -> DatabaseLog:
    """Return the events of everybody, or of some, sorted; none that somebody wants forgotten or opted out with.

    Args:
        end_users: primary keys; None is everybody.
        until: only events that occurred at or before this time.
        arrived_until: only events that had arrived by this time.
        last_key: only events stored up to this one, by primary key.
        ties: the order of one person's events at one time, as `InteractionLog.sorted` has it; "file"
            is the order of arrival. "lasting": drawn from `seed` and the item, too, and never another
            when the catalogue grows, so that what followed a person goes on where it stood.
        seed: of that order.
        catalogue: what `load_catalogue()` returned before; loaded afresh where None, or where events
            name items or kinds that are not in it.
        with_descriptions: of what is loaded afresh, as `load_catalogue` has it.
        with_attributes: those of the end users and the devices of the events, too, for algorithms that
            read them: up to three queries more.
    """
    rows = _events(end_users=end_users, until=until, arrived_until=arrived_until, last_key=last_key)
    user_keys = np.unique(rows["user"])
    names = _names_of_users(user_keys, is_everybody=end_users is None)
    # Somebody erased between the two queries is not in the log.
    user_keys = user_keys[np.isin(user_keys, np.fromiter(names, np.int64, len(names)))]
    # The catalogue comes after the events, so that it knows all their items.
    loaded = catalogue or load_catalogue(with_descriptions=with_descriptions)
    if catalogue is not None and not _knows_all(loaded, rows):
        loaded = load_catalogue(with_descriptions=with_descriptions)
    known = _assemble(
        rows=rows, user_keys=user_keys, names=names, loaded=loaded, ties=ties, seed=seed
    )
    if not with_attributes:
        return known
    return replace(
        known,
        log=attributes.added(known.log, user_keys=user_keys, is_everybody=end_users is None),
    )


def _assemble(
    *,
    rows: dict[str, NDArray[Any]],
    user_keys: NDArray[np.int64],
    names: dict[int, str],
    loaded: LoadedCatalogue,
    ties: str,
    seed: int,
) -> DatabaseLog:
    users = _index(user_keys, rows["user"])
    items = _index(loaded.item_keys, rows["item"])
    kinds = _index(loaded.kind_keys, rows["kind"])
    log = InteractionLog(
        catalogue=loaded.catalogue,
        user_ids=np.array([names[key] for key in user_keys.tolist()], object),
        users=users.astype(np.int32),
        items=items.astype(np.int32),
        kinds=kinds.astype(np.int16),
        values=rows["value"].astype(np.float32),
        times=rows["occurred_at"] + EPOCH_DIFFERENCE,
        positions=rows["id"],
        kind_names=loaded.kind_names,
        kind_weights=loaded.kind_weights,
    )
    is_whole = (users >= 0) & (items >= 0) & (kinds >= 0)
    received = rows["received_at"] + EPOCH_DIFFERENCE
    if not is_whole.all():
        log, received = log.take(is_whole), received[is_whole]
    through = np.full(len(user_keys), np.iinfo(np.int64).min)
    np.maximum.at(through, log.users, received)
    return DatabaseLog(
        log=_sorted(log, loaded, ties=ties, seed=seed),
        user_keys=user_keys,
        events_through=through.view("datetime64[us]"),
        loaded=loaded,
    )


def _sorted(
    log: InteractionLog, loaded: LoadedCatalogue, *, ties: str, seed: int
) -> InteractionLog:
    if ties != "lasting":
        return log.sorted(ties=ties, seed=seed)
    last = drawn(loaded.item_keys, seed=seed)[log.items]
    return log.take(np.lexsort((log.positions, last, log.times, log.users)))


def _events(
    *,
    end_users: Collection[int] | None,
    until: datetime | None,
    arrived_until: datetime | None,
    last_key: int | None,
) -> dict[str, NDArray[Any]]:
    conditions: list[str] = []
    parameters: list[Any] = []
    if end_users is not None:
        conditions.append("end_user_id = ANY(%s::bigint[])")
        parameters.append([int(key) for key in end_users])
    if until is not None:
        conditions.append("occurred_at <= %s")
        parameters.append(until)
    if arrived_until is not None:
        conditions.append("received_at <= %s")
        parameters.append(arrived_until)
    if last_key is not None:
        conditions.append("id <= %s")
        parameters.append(last_key)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return copying.columns(query=EVENTS + where, parameters=parameters, types=EVENT_COLUMNS)


def _names_of_users(user_keys: NDArray[np.int64], *, is_everybody: bool) -> dict[int, str]:
    query = "SELECT id, user_id FROM interests_enduser"
    if is_everybody:
        return dict(_rows(query))
    return dict(_rows(query + " WHERE id = ANY(%s::bigint[])", [user_keys.tolist()]))


def _shares(
    *, item_keys: NDArray[np.int64], category_keys: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return each item's equal parts over its categories, the last column "uncategorised". [N, C]"""
    pairs = copying.columns(
        query="SELECT item_id, category_id FROM interests_item_used_categories",
        types={"item": "i8", "category": "i8"},
    )
    rows, columns = _index(item_keys, pairs["item"]), _index(category_keys, pairs["category"])
    is_known = (rows >= 0) & (columns >= 0)
    shares = np.zeros((len(item_keys), len(category_keys) + 1), np.float32)
    shares[rows[is_known], columns[is_known]] = 1
    shares[shares.sum(1) == 0, -1] = 1
    shares /= shares.sum(1, keepdims=True)
    return shares


def _descriptions(items: Sequence[tuple[Any, ...]]) -> NDArray[np.object_]:
    """Return the words of descriptions and attributes of rows that end with them. [N]"""
    words = [
        description_of(
            [row[3], *(json.loads(row[4]) if isinstance(row[4], str) else row[4]).values()]
        )
        for row in items
    ]
    return np.array(words, object)


def _knows_all(loaded: LoadedCatalogue, rows: dict[str, NDArray[Any]]) -> bool:
    return bool(
        (_index(loaded.item_keys, rows["item"]) >= 0).all()
        and (_index(loaded.kind_keys, rows["kind"]) >= 0).all()
    )


def _index(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each wanted key stands among the ascending `keys`, -1 where it does not."""
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, place, -1)


def _rows(query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
