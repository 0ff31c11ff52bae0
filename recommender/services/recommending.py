"""What to show to a person: plan, one read, rules. The API and the preview of a placement call the same."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.signing import Signer

from recommender.models.placements import DEFAULT
from recommender.ranking.answer_ids import AnswerId
from recommender.ranking.composing import Placed
from recommender.ranking.rules import Rules
from recommender.selectors import slates
from recommender.services import planning
from recommender.services.planning import Plan


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets.

    Attributes:
        placement: its name
        run: the publication, None where none answers
        end_user: key, None for a stranger
        is_fallback: nothing personal answers
        next: continues the list where this page ends; "" where it ends
    """

    user_id: str
    items: tuple[Placed, ...]
    placement: str = DEFAULT
    run: int | None = None
    end_user: int | None = None
    generated_at: datetime | None = None
    events_through: datetime | None = None
    is_fallback: bool = False
    recommendation_id: str = ""
    next: str = ""


def recommend(
    *,
    user_id: str,
    placement: str = DEFAULT,
    n: int | None = None,
    offset: int = 0,
    category: str = "",
    exclude: Sequence[str] = (),
    now: datetime,
) -> Answer:
    """Return what to show to a person; never an error for somebody unknown.

    Args:
        n: how many; None: as many as the placement says.

    Raises:
        PlacementUnknown: there is no such placement.
    """
    plan = planning.plan(placement, user_id, now)
    return _answer(
        plan,
        user_id=user_id,
        placement=placement,
        n=n or plan.rules.length,
        offset=offset,
        category=category,
        exclude=exclude,
        now=now,
    )


def preview(rules: Rules, *, user_id: str, n: int, now: datetime) -> Answer:
    """Return what rules that nobody has saved would show to a person, with no `recommendation_id`."""
    return _answer(
        Plan(rules), user_id=user_id, placement="", n=n, offset=0, category="", exclude=(), now=now
    )


def _answer(
    plan: Plan,
    *,
    user_id: str,
    placement: str,
    n: int,
    offset: int,
    category: str,
    exclude: Sequence[str],
    now: datetime,
) -> Answer:
    shown = slates.slate_of(user_id, n=n, offset=offset, category=category, exclude=exclude)
    is_fallback = shown is None
    if shown is None:
        shown = slates.popular_items(n=n, offset=offset, category=category, exclude=exclude)
    rule = "fallback:popular_30d" if is_fallback else ""
    items = tuple(
        Placed(0, entry["item_id"], entry["rank"], entry["score"], rule)
        for entry in json.loads(shown.items)
    )
    return Answer(
        user_id=user_id,
        items=items,
        placement=placement,
        run=shown.run,
        end_user=shown.end_user,
        generated_at=shown.generated_at,
        events_through=shown.events_through,
        is_fallback=is_fallback,
        recommendation_id=_recommendation_id(plan, shown, now) if placement else "",
    )


def _recommendation_id(plan: Plan, shown: slates.Shown, now: datetime) -> str:
    """Name what was shown, when and to whom, signed, so that a read writes nothing down."""
    said = AnswerId(
        run=shown.run or 0,
        end_user=shown.end_user or 0,
        placement=plan.placement_id,
        version=plan.version_id,
        source="s" if shown.run else "f",
        at_ms=int(now.timestamp() * 1000),
        variants=plan.variants,
    )
    return _signer().sign(said.to_text())


@functools.cache
def _signer() -> Signer:
    return Signer(salt="recommendation")
