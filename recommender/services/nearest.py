"""Lists for somebody unknown from stored similarities alone: no network, so a web process can make them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from recommender.ranking.rules import MAX_LENGTH

# Stored similarities go by the last events; after so many more one counts half.
NUM_NEAREST = 20
FADE_EVENTS = 4

NEAREST = """
    SELECT item.item_id, near.items, near.item_ids, near.scores
    FROM interests_item item
    JOIN recommender_similaritems near ON near.item_id = item.id
    JOIN recommender_serving serving ON serving.publication_id = near.publication_id
    WHERE item.item_id = ANY(%s)
"""


@dataclass(frozen=True)
class SessionEvent:
    """What somebody did just now; `occurred_at` in microseconds since 1970."""

    item_id: str
    kind: str
    value: float | None
    occurred_at: int


def nearest_to(
    done: Sequence[SessionEvent], *, weights: dict[str, float]
) -> list[tuple[int, str, float]]:
    """Return keys, ids and scores of the items nearest to what somebody did, best first, from stored rows.

    An item scores the sum of its cosines to the items used, each by the weight of the kind of event and
    halved with every fourth event since. What was used is left out.

    Args:
        done: oldest first; the last of them count.
        weights: of kinds, by name; others count 1.
    """
    last = list(done)[-NUM_NEAREST:]
    with connection.cursor() as cursor:
        cursor.execute(NEAREST, [[one.item_id for one in last]])
        near = {item_id: rest for item_id, *rest in cursor.fetchall()}
    found: dict[tuple[int, str], float] = defaultdict(float)
    for age, one in enumerate(reversed(last)):
        strength = weights.get(one.kind, 1.0) * 0.5 ** (age / FADE_EVENTS)
        for key, item_id, cosine in zip(*near.get(one.item_id, ((), (), ())), strict=True):
            found[key, item_id] += strength * cosine
    used = {one.item_id for one in done}
    ranked = [
        (key, item_id, score)
        for (key, item_id), score in found.items()
        if score > 0 and item_id not in used
    ]
    return sorted(ranked, key=lambda row: (-row[2], row[0]))[:MAX_LENGTH]
