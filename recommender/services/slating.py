"""Slates as rows: what the network ranks for some people, turned into arrays and written in bulk.

Legend: N items of the log's catalogue, b end users of a batch, k length of a slate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import torch
from django.db import connection
from numpy.typing import NDArray

from interests.learning import best, scoring
from interests.learning.trained import TrainedNetwork
from interests.models import Item
from interests.selectors import histories
from interests.selectors.events import EPOCH_DIFFERENCE, DatabaseLog, LoadedCatalogue
from interests.services import copying
from recommender.algorithms.carried import Carried
from recommender.services import packing
from recommender.services.packing import ItemArrays

SLATE_LENGTH = 200
# Scores of an algorithm that are held at once: 16 MB.
BLOCK_SCORES = 4_000_000
COLUMNS = (
    "publication_id", "end_user_id", "items", "item_ids", "scores", "generated_at", "events_through",
)  # fmt: skip
# Slates are read over from here: as numbers they cost a third of what they cost as text. They lie in their rows, where
# they fit into a page: packed and set aside they would be written twice.
FRESH = """
    CREATE TEMPORARY TABLE IF NOT EXISTS fresh_slates (
        publication_id bigint, end_user_id bigint, items bigint[], item_ids text[], scores float8[],
        generated_at timestamptz, events_through timestamptz
    ) WITH (toast_tuple_target = 8160) ON COMMIT DELETE ROWS
"""
# A slate that has seen more events than this one stays.
RENEW = f"""
    INSERT INTO recommender_slate ({", ".join(COLUMNS)})
    SELECT {", ".join(COLUMNS)} FROM fresh_slates
    ON CONFLICT (publication_id, end_user_id) DO UPDATE SET
        items = excluded.items, item_ids = excluded.item_ids, scores = excluded.scores,
        generated_at = excluded.generated_at, events_through = excluded.events_through,
        seen_items = '{{}}', seen_item_ids = '{{}}', seen_scores = '{{}}', seen_at = '{{}}',
        reasons = NULL
    WHERE recommender_slate.events_through IS NULL
       OR recommender_slate.events_through <= excluded.events_through
"""


@dataclass(frozen=True)
class Ranked:
    """The best items of some end users, best first, in rows of equal length.

    Attributes:
        users: index into the log's users, int32. [b]
        items: index into the log's catalogue, -1 where there are no more, int32. [b, k]
        scores: float32. [b, k]
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    scores: NDArray[np.float32]


def arrays_of(loaded: LoadedCatalogue) -> ItemArrays:
    """Return the items of a catalogue, ready to be written as lists."""
    return ItemArrays(keys=loaded.item_keys, ids=loaded.catalogue.item_ids)


def is_hidden(loaded: LoadedCatalogue) -> NDArray[np.bool_]:
    """Return which items of a catalogue may not be recommended now. [N]"""
    hidden = Item.objects.filter(is_hidden=True).values_list("pk", flat=True)
    return np.isin(loaded.item_keys, np.fromiter(hidden, np.int64))


def rank(
    *,
    network: TrainedNetwork,
    log: DatabaseLog,
    hidden: NDArray[np.bool_] | None = None,
    by: Carried | None = None,
) -> Iterator[Ranked]:
    """Rank the items that each end user of the log has not seen and that are not hidden.

    Items that came after the training stand where their titles and categories put them.

    Args:
        hidden: what `is_hidden` says of the log's catalogue; asked here where None. [N]
        by: another algorithm that ranks instead; it lacks items that came after its fit.
    """
    if hidden is None:
        hidden = is_hidden(log.loaded)
    if by is not None:
        yield from _ranked_by(by, log, hidden)
        return
    batches = scoring.top_items(
        network.grown(log.log.catalogue),
        log.log,
        k=SLATE_LENGTH,
        excluded_items=hidden,
        exclude_seen=True,
    )
    for users, items, scores in batches:
        yield Ranked(users=users, items=items, scores=scores)


def _ranked_by(by: Carried, log: DatabaseLog, hidden: NDArray[np.bool_]) -> Iterator[Ranked]:
    own = log.log
    step = max(1, BLOCK_SCORES // max(own.num_items, 1))
    for first in range(0, own.num_users, step):
        users = np.arange(first, min(first + step, own.num_users), dtype=np.int32)
        scores = by.scores(own, users=users)  # [b, N]
        scores[:, hidden] = -np.inf
        for row, user in enumerate(users):
            scores[row, own.items[own.offsets[user] : own.offsets[user + 1]]] = -np.inf
        items, values = best.best(torch.from_numpy(scores), SLATE_LENGTH)
        yield Ranked(users=users, items=items, scores=values)


def insert(
    *, publication_id: int, log: DatabaseLog, ranked: Ranked, arrays: ItemArrays, now: datetime
) -> int:
    """Write new slates by COPY within the caller's transaction; return how many.

    People erased since the log was read get none, nor do those who want some of it forgotten.
    """
    blocks, num_slates = _blocks(
        publication_id=publication_id, log=log, ranked=ranked, arrays=arrays, now=now
    )
    if num_slates:
        copy_rows(table="recommender_slate", columns=COLUMNS, blocks=blocks)
    return num_slates


def renew(
    *, publication_id: int, log: DatabaseLog, ranked: Ranked, arrays: ItemArrays, now: datetime
) -> int:
    """Write slates in place of older ones within the caller's transaction; return for how many people.

    People erased since the log was read get none, nor do those who want some of it forgotten.
    """
    blocks, num_slates = _blocks(
        publication_id=publication_id, log=log, ranked=ranked, arrays=arrays, now=now
    )
    if num_slates:
        with connection.cursor() as cursor:
            cursor.execute(FRESH)
        copy_rows(table="fresh_slates", columns=COLUMNS, blocks=blocks)
        with connection.cursor() as cursor:
            cursor.execute(RENEW)
            cursor.execute("DELETE FROM fresh_slates")
    return num_slates


def copy_rows(*, table: str, columns: Sequence[str], blocks: Iterator[bytes]) -> None:
    """Write what `packing.rows` yields."""
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
    with connection.cursor() as cursor:
        copying.copy_in(cursor, statement=statement, blocks=blocks)


def _microseconds(moment: datetime) -> int:
    """Return a time as PostgreSQL counts: microseconds since 2000-01-01 UTC."""
    return (moment - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _blocks(
    *, publication_id: int, log: DatabaseLog, ranked: Ranked, arrays: ItemArrays, now: datetime
) -> tuple[Iterator[bytes], int]:
    """Return the rows of those who may be given a slate, and how many that are."""
    keys = log.user_keys[ranked.users]
    chosen = np.flatnonzero(np.isin(keys, _lock_end_users(log, keys)))
    through = log.events_through[ranked.users[chosen]].astype(np.int64) - EPOCH_DIFFERENCE
    blocks = packing.rows(
        arrays=arrays,
        before=[np.full(len(chosen), publication_id), keys[chosen]],
        items=ranked.items[chosen],
        scores=ranked.scores[chosen],
        after=[np.full(len(chosen), _microseconds(now)), through],
    )
    return blocks, len(chosen)


def _lock_end_users(log: DatabaseLog, keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which of these people may be given a slate, and keep it so to the transaction's end.

    Not those who were erased, opted out, or want events of the log forgotten since it was read.
    """
    query = "SELECT id FROM interests_enduser WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE"
    with connection.cursor() as cursor:
        cursor.execute(query, [keys.tolist()])
        there = {row[0] for row in cursor.fetchall()}
    return np.array(sorted(there - histories.no_longer_used(log, there)), np.int64)
