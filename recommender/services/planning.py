"""What answers a request: the rules of its placement, and which list they are applied to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recommender.models.placements import DEFAULT
from recommender.ranking.rules import Rules
from recommender.services import keeping, taking_part


class PlacementUnknown(Exception):
    """There is no such placement; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a request is answered.

    Attributes:
        placement_id: 0 where the placement has no row
        version_id: 0 for the rules that a placement starts with
        source: "slate", a `Fallback`, or "interleaved"
        variants: keys of the experiments' variants that had a say
        other_source: what `source` is interleaved with
    """

    rules: Rules
    placement_id: int = 0
    version_id: int = 0
    source: str = "slate"
    variants: tuple[int, ...] = ()
    other_source: str | None = None


def plan(placement: str, user_id: str | None, now: datetime) -> Plan:
    """Return how a person is answered in a placement; without an id, in no experiment.

    Raises:
        PlacementUnknown: there is none of this name.
    """
    plans = keeping.current().plans
    live = plans.placements.get(placement)
    if live is None:
        if placement == DEFAULT:
            return Plan(Rules())
        names = ", ".join(sorted(plans.placements)[:20])
        raise PlacementUnknown(f'There is no placement "{placement[:50]}". There are: {names}.')
    if user_id is None:
        return Plan(live.rules, placement_id=live.placement_id, version_id=live.version_id)
    part = taking_part.part_of(plans, live.placement_id, user_id, now=now)
    return Plan(
        part.rules or live.rules,
        placement_id=live.placement_id,
        version_id=live.version_id if part.version is None else part.version,
        source=part.source,
        variants=part.variants,
        other_source=part.other_source,
    )
