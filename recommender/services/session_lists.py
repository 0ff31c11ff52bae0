"""What to show to somebody of whom only the last minutes are known: an answer like any other, by its placement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from interests.models import EventKind, Item
from recommender.models import Serving
from recommender.selectors.reading import Person, Used
from recommender.services import nearest, recommending
from recommender.services.nearest import SessionEvent
from recommender.services.recommending import Answer


@dataclass(frozen=True)
class SessionList:
    """An answer and what it was made by: "network", "similar_items", or "fallback" where neither knows any."""

    answer: Answer
    source: str


def answered(
    found: dict[str, Any] | None, *, done: Sequence[SessionEvent], now: datetime
) -> tuple[str, Person]:
    """Return what stands behind the list, and somebody with those items as their slate.

    Args:
        found: what a live worker answered (`ranking_for.session`); None: none did in time.
    """
    kinds = dict(EventKind.objects.values_list("name", "weight"))
    used = _used(done, kinds)
    if found is not None:
        source, run = "network", found["publication_id"]
        items, item_ids, scores = found["items"], found["item_ids"], found["scores"]
        # Without a score the network does not know the item: it says nothing about it.
        known = [at for at, score in enumerate(scores) if score is not None]
        items, item_ids, scores = ([own[at] for at in known] for own in (items, item_ids, scores))
    else:
        near = nearest.nearest_to(done, weights=kinds)
        source = "similar_items" if near else "fallback"
        run = Serving.objects.values_list("publication_id", flat=True).first() if near else None
        items, item_ids, scores = ([row[column] for row in near] for column in range(3))
    somebody = Person(
        end_user=0,
        publication=run,
        items=items,
        item_ids=item_ids,
        scores=scores,
        generated_at=now,
        used=used,
    )
    return source, somebody


def recommend(
    *,
    done: Sequence[SessionEvent],
    found: dict[str, Any] | None,
    placement: str,
    n: int | None,
    exclude: Iterable[str],
    now: datetime,
) -> SessionList:
    """Return what to show next to somebody who did this; nothing of them is stored.

    Args:
        done: oldest first.
        found: what a live worker answered; None: none did in time.

    Raises:
        PlacementUnknown: there is no such placement.
    """
    source, somebody = answered(found, done=done, now=now)
    answer = recommending.recommend_somebody(
        somebody, placement=placement, n=n, exclude=exclude, now=now
    )
    return SessionList(answer, source)


def _used(done: Sequence[SessionEvent], weights: dict[str, float]) -> list[Used]:
    """Return the last use of each item that the catalogue knows."""
    wanted = {one.item_id for one in done}
    keys = dict(Item.objects.filter(item_id__in=wanted).values_list("item_id", "pk"))
    last = {one.item_id: one for one in done if one.item_id in keys}
    return [
        Used(
            keys[item_id],
            datetime.fromtimestamp(one.occurred_at / 1_000_000, UTC),
            weights.get(one.kind, 1.0) < 0,
        )
        for item_id, one in last.items()
    ]
