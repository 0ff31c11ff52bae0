"""Items that people have used already, ranked, for placements that show them again.

Only where some rules do (`plans.are_used_items_shown`) they are put beside the slates just written.

Legend: N items of the log's catalogue, b end users of a batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from psycopg2.extras import execute_values

from interests.learning import scoring
from interests.learning.trained import TrainedNetwork
from interests.selectors.events import DatabaseLog
from interests.services import state_rows
from recommender.algorithms.carried import Carried
from recommender.services.packing import ItemArrays

# As many as a few pages show; who comes back to more of them is shown the best.
MOST = 50
# Scores of all items are held for so many people at once.
PEOPLE_AT_ONCE = 100
UPDATE = """
    UPDATE recommender_slate SET seen_items = fresh.items, seen_item_ids = fresh.item_ids,
        seen_scores = fresh.scores, seen_at = fresh.at
    FROM (VALUES %s) AS fresh(publication_id, end_user_id, generated_at, items, item_ids, scores, at)
    WHERE recommender_slate.publication_id = fresh.publication_id
    AND recommender_slate.end_user_id = fresh.end_user_id
    AND recommender_slate.generated_at = fresh.generated_at
"""
TEMPLATE = "(%s, %s, %s::timestamptz, %s::bigint[], %s::text[], %s::float8[], %s::timestamptz[])"


def write(
    *,
    publication_id: int,
    network: TrainedNetwork,
    log: DatabaseLog,
    users: NDArray[np.integer],
    arrays: ItemArrays,
    hidden: NDArray[np.bool_],
    now: datetime,
    by: Carried | None = None,
) -> None:
    """Put the best used items beside slates just written, within the transaction that wrote them.

    Items whose last event of the person is of a negative kind are left out, as hidden ones are.

    Args:
        users: index into the log's users. [b]
        hidden: of the log's catalogue. [N]
        now: when the slates were made.
        by: the algorithm that ranked them, where it was not the network.
    """
    rows = [
        (publication_id, int(log.user_keys[user]), now, *arrays.literals(items, scores), times)
        for user, items, scores, times in _best(network, log, users, hidden, by)
    ]
    if rows:
        with connection.cursor() as cursor:
            execute_values(cursor.cursor, UPDATE, rows, template=TEMPLATE)


def _best(
    network: TrainedNetwork,
    log: DatabaseLog,
    users: NDArray[np.integer],
    hidden: NDArray[np.bool_],
    by: Carried | None,
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32], list[datetime]]]:
    grown, is_negative = network.grown(log.log.catalogue), log.log.is_negative
    for begin in range(0, len(users), PEOPLE_AT_ONCE):
        part = users[begin : begin + PEOPLE_AT_ONCE]
        known = (
            scoring.scores(grown, log.log, users=part)
            if by is None
            else by.scores(log.log, users=part.astype(np.int32))
        )
        for user, scores in zip(part.tolist(), known, strict=True):
            items, last = _used(log, user)
            is_shown = ~is_negative[last] & ~hidden[items] & np.isfinite(scores[items])
            items, last = items[is_shown], last[is_shown]
            order = np.argsort(-scores[items], kind="stable")[:MOST]
            times = [state_rows.moment(time) for time in log.log.times[last[order]]]
            yield user, items[order], scores[items[order]], times


def _used(log: DatabaseLog, user: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the items that somebody has used, and the place in the log of the last event with each."""
    first, end = log.log.offsets[user : user + 2]
    newest_first = log.log.items[first:end][::-1].astype(np.int64)
    items, places = np.unique(newest_first, return_index=True)
    return items, end - 1 - places
