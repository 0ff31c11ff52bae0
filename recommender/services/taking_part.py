"""Which experiments a request belongs to, and what they change about its answer: worked out from hashes alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings

from recommender.ranking import assigning
from recommender.ranking.assigning import Trial
from recommender.ranking.rules import Rules
from recommender.selectors.plans import Plans

OWN = "slate"


@dataclass(frozen=True, slots=True)
class Part:
    """What the experiments change about one answer.

    Attributes:
        variants: keys of the variants that have a say
        version, rules: of the placement, None where the live ones hold
        source: "slate" for a person's own list, else a `Fallback`
        other_source: what it is interleaved with; None: with nothing
    """

    variants: tuple[int, ...] = ()
    version: int | None = None
    rules: Rules | None = None
    source: str = OWN
    other_source: str | None = None


NOTHING = Part()


def part_of(plans: Plans, placement_id: int, user_id: str, *, now: datetime) -> Part:
    """Return what the running experiments say about an answer; `NOTHING` for who takes part in none."""
    trials = plans.trials.get(placement_id)
    if not trials or assigning.is_held_out(user_id, share=settings.EXPERIMENT_HOLDOUT):
        return NOTHING
    found = NOTHING
    for trial in trials:
        if assigning.takes_part(trial, user_id, now=now):
            found = _joined(found, trial, user_id, plans)
    return found


def _joined(part: Part, trial: Trial, user_id: str, plans: Plans) -> Part:
    """Return a part with what one more experiment says; those that run together change different things."""
    if trial.is_interleaved:
        first, second = trial.arms
        return replace(
            part,
            variants=(*part.variants, first.key, second.key),
            source=first.source or OWN,
            other_source=second.source or OWN,
        )
    arm = assigning.arm_of(trial, user_id)
    part = replace(part, variants=(*part.variants, arm.key))
    if arm.version is not None:
        part = replace(part, version=arm.version, rules=plans.versions[arm.version])
    return replace(part, source=arm.source) if arm.source else part
