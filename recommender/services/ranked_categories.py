"""All items of a category ranked for a person: a worker's list where one answers, else a stored one.

The list is kept for minutes, so that its pages fit together however the person goes on meanwhile.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from django.core.cache import cache
from django.db import connection
from django.utils.crypto import get_random_string
from redis.exceptions import RedisError

from recommender.services.asking import KEPT_SECONDS, Asked
from recsite import caching

# An answer of a worker waits in Redis: as much of a category as anybody pages through.
MAX_RANKED = 2_000

# What the slate has of the category comes first, then what is chosen most, then the rest.
STORED = """
    SELECT item.id, item.item_id, in_slate.score, count(*) OVER ()
    FROM interests_item_categories link
    JOIN interests_item item ON item.id = link.item_id AND NOT item.is_hidden
    LEFT JOIN (
        SELECT entry.item, entry.score, entry.place
        FROM recommender_slate slate
        JOIN recommender_serving serving ON serving.publication_id = slate.publication_id
        CROSS JOIN unnest(slate.items, slate.scores)
            WITH ORDINALITY AS entry(item, score, place)
        WHERE slate.end_user_id = %(end_user)s
    ) in_slate ON in_slate.item = item.id
    LEFT JOIN (
        SELECT entry.item, entry.place
        FROM recommender_popularitems popular
        CROSS JOIN unnest(popular.items) WITH ORDINALITY AS entry(item, place)
        WHERE popular."window" = 'all' AND popular.category_id = %(category)s
    ) chosen ON chosen.item = item.id
    WHERE link.category_id = %(category)s
    ORDER BY in_slate.place NULLS LAST, chosen.place NULLS LAST, item.id
    LIMIT %(limit)s
"""

log = structlog.get_logger()


@dataclass(frozen=True)
class RankedCategory:
    """A list and where it came from.

    Attributes:
        key: by which its next pages are asked for; "" where Redis could not keep it
        source: "network" or "stored"
        run: the publication, None where nothing serves
        items: ids and scores, best first; a score is None where no network gives one
        num_items: of the category that may be shown; more than `items` where it is very large
    """

    key: str
    source: str
    run: int | None
    items: list[tuple[str, float | None]]
    num_items: int
    generated_at: datetime

    def to_plain(self) -> dict[str, Any]:
        """Return what `with_key` keeps."""
        return {
            "source": self.source,
            "run": self.run,
            "items": self.items,
            "num_items": self.num_items,
            "generated_at": self.generated_at.isoformat(),
        }


def of_worker(asked: Asked, *, now: datetime) -> RankedCategory:
    """Return what a worker answered (`ranking_for.category_for`)."""
    answer = asked.answer
    return RankedCategory(
        key="",
        source="network",
        run=answer["publication_id"],
        items=list(zip(answer["item_ids"], answer["scores"], strict=True)),
        num_items=answer["num_items"],
        generated_at=now,
    )


def stored(
    *, end_user_id: int | None, category_id: int, run: int | None, now: datetime
) -> RankedCategory:
    """Return the items of a category by what is stored: the person's slate, then what is chosen most."""
    values = {"end_user": end_user_id, "category": category_id, "limit": MAX_RANKED}
    with connection.cursor() as cursor:
        cursor.execute(STORED, values)
        rows = cursor.fetchall()
    return RankedCategory(
        key="",
        source="stored",
        run=run,
        items=[(item_id, score) for _, item_id, score, _ in rows],
        num_items=rows[0][3] if rows else 0,
        generated_at=now,
    )


def with_key(ranked: RankedCategory, *, of: str, end_user_id: int | None) -> RankedCategory:
    """Keep a list for its next pages; `of` says whose and which category it is. It goes with the person.

    Without Redis it has no next pages.
    """
    key = get_random_string(16)
    try:
        cache.set(_name(key, of, end_user_id), ranked.to_plain(), timeout=KEPT_SECONDS)
    except (RedisError, OSError) as error:
        log.warning("list_not_kept", error=str(error))
        return ranked
    return replace(ranked, key=key)


def kept(key: str, *, of: str, end_user_id: int | None) -> RankedCategory | None:
    """Return a list that was kept for the same person and category, None after ten minutes."""
    plain = cache.get(_name(key, of, end_user_id))
    if plain is None:
        return None
    return RankedCategory(
        key=key,
        source=plain["source"],
        run=plain["run"],
        items=[(item_id, score) for item_id, score in plain["items"]],
        num_items=plain["num_items"],
        generated_at=datetime.fromisoformat(plain["generated_at"]),
    )


def _name(key: str, of: str, end_user_id: int | None) -> str:
    # Ids of people hold anything; names in the cache do not.
    digest = hashlib.sha256(of.encode()).hexdigest()[:32]
    return f"ranked:{caching.name_of_person(end_user_id or 0)}:{digest}:{key[:32]}"
