"""What experiments must be like before they are kept and before they start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recommender.models import Experiment, PlacementVersion
from recommender.ranking.assigning import NUM_BUCKETS
from recommender.ranking.rules import Rules, RulesError
from recommender.services import placing

Kind = Experiment.Kind
MOST_VARIANTS = 8


class CannotExperiment(Exception):
    """It cannot be done; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A variant as somebody makes it: its part of the people, rules (None: those that are live), source."""

    name: str
    weight: int = 1
    version: PlacementVersion | None = None
    source: str = ""


def problems(experiment: Experiment, arms: Sequence[Arm]) -> dict[str, str]:
    """Return what is wrong with an experiment and what to do, by field; empty: nothing.

    Fields of the second variant are `variant_1_name`, `variant_1_weight`, `variant_1_version`, `variant_1_source`.
    """
    found = {}
    others = Experiment.objects.filter(name=experiment.name).exclude(pk=experiment.pk)
    if others.exists():
        found["name"] = "Another experiment has this name. Choose one that says what is different."
    if not 1 <= experiment.num_buckets <= NUM_BUCKETS:
        found["percent"] = "Enter a share of the people above 0, at most 100 %."
    elif not 0 < experiment.open_buckets <= experiment.num_buckets:
        found["first_percent"] = "It begins with some of its people: above 0, at most all of them."
    return found | _problems_of_arms(experiment, arms)


def _problems_of_arms(experiment: Experiment, arms: Sequence[Arm]) -> dict[str, str]:
    found = {}
    if not 2 <= len(arms) <= MOST_VARIANTS:
        found["variants"] = (
            f"An experiment compares 2 to {MOST_VARIANTS} variants. Name at least two."
        )
    if experiment.kind == Kind.INTERLEAVE:
        if len(arms) != 2:
            found["kind"] = "Interleaving mixes two lists. Name exactly two variants."
        if any(arm.version for arm in arms):
            found["kind"] = (
                "Interleaving mixes where items come from, under the rules that are live. Leave the rules of both "
                "variants as they are."
            )
    seen: dict[tuple[int | None, str], str] = {}
    for place, arm in enumerate(arms):
        if not arm.name:
            found[f"variant_{place}_name"] = "Give it a name, such as B."
        elif arm.name in [other.name for other in arms[:place]]:
            found[f"variant_{place}_name"] = "Another variant has this name."
        if not 1 <= arm.weight <= 1_000:
            found[f"variant_{place}_weight"] = "Enter a whole number from 1 to 1,000."
        if arm.version is not None and arm.version.placement_id != experiment.placement_id:
            found[f"variant_{place}_version"] = (
                "These are rules of another placement. Choose its own."
            )
        what = (arm.version.pk if arm.version else None, arm.source)
        if what in seen:
            found[f"variant_{place}_source"] = (
                f"It does the same as {seen[what]}. Change something."
            )
        seen[what] = arm.name
    return found


def check_rules(experiment: Experiment) -> None:
    """Refuse rules that cannot be followed, such as those that pin an item that is gone."""
    for variant in experiment.variants.select_related("version"):
        if variant.version is not None:
            try:
                wrong = placing.problems(Rules.from_plain(variant.version.rules))
            except RulesError as error:
                wrong = {error.name: str(error)}
            if wrong:
                said = " ".join(wrong.values())
                raise CannotExperiment(f"The rules of {variant.name} cannot be followed: {said}")


def check_neighbours(experiment: Experiment, running: Sequence[Experiment]) -> None:
    """Refuse what would change the same thing of the same placement for the same people."""
    own = _changes(experiment)
    for other in running:
        if other.placement_id != experiment.placement_id or other.layer == experiment.layer:
            continue
        if common := own & _changes(other):
            raise CannotExperiment(
                f'"{other.name}" runs in the same placement and changes the {" and the ".join(sorted(common))} as '
                f'well, in the layer "{other.layer}". Use that layer for this one too: then nobody is in both.'
            )


def _changes(experiment: Experiment) -> set[str]:
    variants = experiment.variants.all()
    found = {"rules" for variant in variants if variant.version_id is not None}
    if experiment.kind == Kind.INTERLEAVE or any(variant.source for variant in variants):
        found.add("source")
    return found
