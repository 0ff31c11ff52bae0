"""Rows of experiments for tests."""

from __future__ import annotations

from typing import Any

from interests.models import EndUser
from recommender.models import (
    Experiment,
    ExperimentChange,
    ExperimentLook,
    ExperimentPerson,
    OutcomeOfPerson,
    Placement,
    PlacementSwitch,
    PlacementVersion,
    Variant,
)
from recommender.services import experimenting
from recommender.services.checking_experiments import Arm
from tests.factories import NOW


def placement(name: str = "home") -> Placement:
    return Placement.objects.get_or_create(name=name, defaults={"created_at": NOW})[0]


def version(number: int = 1, *, of: Placement | None = None, **rules: Any) -> PlacementVersion:
    return PlacementVersion.objects.create(
        placement=of or placement(), number=number, rules=rules, created_at=NOW
    )


def draft(*arms: Arm, **fields: Any) -> Experiment:
    """Make a draft of two variants, the second of which shows popular items, unless arms say otherwise."""
    fields = {
        "name": f"experiment {Experiment.objects.count() + 1}", "layer": "home", "num_buckets": 10_000,
        "open_buckets": 10_000, "least_lift": 0.1, **fields,
    }  # fmt: skip
    fields.setdefault("placement", placement())
    return experimenting.save(
        experiment=Experiment(**fields),
        arms=arms or (Arm("A"), Arm("B", source="popular_30d")),
        by=None,
        now=NOW,
    )


def started(*arms: Arm, **fields: Any) -> Experiment:
    made = draft(*arms, **fields)
    return experimenting.start(experiment_id=made.pk, by=None, now=NOW)


def outcome(person: EndUser, *variants: Variant, **fields: Any) -> OutcomeOfPerson:
    """Make what one person did with answers of an hour: saw ten items and clicked one."""
    fields = {
        "day": NOW.date(), "hour": 12, "version": 0, "run": 1, "source": "s", "answers": 1,
        "impressions": 10, "clicks": 1, "conversions": 0, "revenue": 0, "dwell_seconds": 0,
        "num_dwells": 0, "likes": 0, "feedbacks": 0, "rating_sum": 0, "num_ratings": 0,
        "counted_at": NOW, **fields,
    }  # fmt: skip
    fields.setdefault(
        "placement", variants[0].experiment.placement_id if variants else placement().pk
    )
    return OutcomeOfPerson.objects.create(
        end_user=person, variants=sorted(variant.pk for variant in variants), **fields
    )


def variants(of: Experiment) -> list[Variant]:
    return list(of.variants.order_by("place"))


def crowd(variant: Variant, *, num: int, clicking: int, name: str, **fields: Any) -> None:
    """Let people see ten items each, of whom some click two."""
    people = EndUser.objects.bulk_create(
        EndUser(user_id=f"{name} {n}", created_at=NOW) for n in range(num)
    )
    for n, person in enumerate(people):
        outcome(person, variant, clicks=2 if n < clicking else 0, **fields)


def row_in_every_table(person: EndUser) -> None:
    """Make one row of everything that placements and experiments keep."""
    live = version()
    PlacementSwitch.objects.create(placement=live.placement, version=live, switched_at=NOW)
    compared = draft()
    arm = variants(compared)[0]
    ExperimentLook.objects.create(variant=arm, at=NOW, people=1)
    ExperimentChange.objects.create(experiment=compared, at=NOW, text="Made.")
    ExperimentPerson.objects.create(
        experiment=compared, end_user=person, variant=arm, impressions=2, clicks=1, second_clicks=0,
        conversions=0, earlier=0.0,
    )  # fmt: skip
