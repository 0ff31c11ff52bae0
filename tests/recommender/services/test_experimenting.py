from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from recommender.models import Experiment, ExperimentChange, Placement
from recommender.services import checking_experiments, experimenting
from recommender.services.checking_experiments import Arm, CannotExperiment
from tests import factories
from tests.factories import NOW
from tests.recommender import experiments
from tests.recommender.experiments import draft, started, variants

pytestmark = pytest.mark.django_db
ALIKE = (Arm("A"), Arm("B"))


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


def history(of: Experiment) -> list[tuple[str, str]]:
    return list(ExperimentChange.objects.filter(experiment=of).order_by("pk").values_list("by", "text"))  # fmt: skip


def test_an_experiment_from_its_draft_to_its_decision(ada: User) -> None:
    rules = experiments.version(3, length=5)
    made = experimenting.save(
        experiment=Experiment(
            name="Short", placement=rules.placement, layer="home", num_buckets=5_000, open_buckets=500,
            ramp_days=9,
        ),
        arms=(Arm("A"), Arm("B", 2, version=rules)), by=ada, now=NOW,
    )  # fmt: skip

    experimenting.start(experiment_id=made.pk, by=ada, now=NOW)
    opened = [
        experimenting.open_now(Experiment.objects.get(), now=NOW + timedelta(days=d))
        for d in (0, 1, 9)
    ]
    experimenting.open_to(experiment_id=made.pk, share=0.8, by=ada, now=NOW)
    experimenting.conclude(experiment_id=made.pk, variant_id=variants(made)[1].pk, by=ada, now=NOW)

    made.refresh_from_db()
    assert opened == [500, 1_000, 5_000]
    assert (made.state, made.open_buckets, made.ramp_days, made.chosen) == (
        "concluded", 4_000, 0, variants(made)[1],
    )  # fmt: skip
    assert Placement.objects.get(name="home").live_version == rules
    assert history(made) == [
        ("ada", "Made the draft."),
        ("ada", "Started it."),
        ("ada", "Opened it to 80 % of its people."),
        ("ada", "Decided for B. Version 3 of its rules is live."),
    ]


@pytest.mark.parametrize(
    ("fields", "arms", "field"),
    [
        ({}, (Arm("A"),), "variants"),
        ({}, ALIKE, "variant_1_source"),
        ({}, (Arm("A"), Arm("A", source="popular")), "variant_1_name"),
        ({}, (Arm("A"), Arm("", source="popular")), "variant_1_name"),
        ({}, (Arm("A", 0), Arm("B", source="popular")), "variant_0_weight"),
        ({"num_buckets": 10_001}, (Arm("A"), Arm("B", source="popular")), "percent"),
        ({"open_buckets": 0}, (Arm("A"), Arm("B", source="popular")), "first_percent"),
        (
            {"kind": "interleave"},
            (Arm("A"), Arm("B", source="popular"), Arm("C", source="trending")),
            "kind",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(fields, arms, field: str) -> None:
    made = Experiment(
        **{"name": "x", "placement": experiments.placement(), "layer": "home", "num_buckets": 100,
           "open_buckets": 100, **fields}
    )  # fmt: skip

    assert list(checking_experiments.problems(made, arms)) == [field]
    with pytest.raises(experimenting.CannotKeep):
        experimenting.save(experiment=made, arms=arms, by=None, now=NOW)


def test_rules_of_another_placement_are_refused() -> None:
    foreign = experiments.version(of=experiments.placement("checkout"))

    with pytest.raises(experimenting.CannotKeep, match="rules of another placement"):
        draft(Arm("A"), Arm("B", version=foreign))


def test_experiments_of_one_layer_take_other_people_and_not_more_than_there_are() -> None:
    first = started(num_buckets=4_000, open_buckets=100)
    second = started(num_buckets=6_000, open_buckets=100)

    assert (first.first_bucket, second.first_bucket) == (0, 4_000)
    with pytest.raises(CannotExperiment, match='in the layer "home" leave 0 % of the people'):
        started(num_buckets=1, open_buckets=1)
    experimenting.stop(experiment_id=first.pk, reason="", by=None, now=NOW)
    assert started(num_buckets=3_000, open_buckets=1).first_bucket == 0


def test_two_layers_may_not_change_the_same_thing_of_a_placement() -> None:
    started(name="popular")
    rules = experiments.version()

    with pytest.raises(
        CannotExperiment, match='"popular" runs in the same placement and changes the source'
    ):
        started(layer="colours")  # fmt: skip
    assert started(Arm("A"), Arm("B", version=rules), layer="colours").state == "running"


def test_rules_that_cannot_be_followed_do_not_start() -> None:
    rules = experiments.version(pins=[{"item_id": "gone", "rank": 1}])

    with pytest.raises(
        CannotExperiment, match=r'rules of B cannot be followed: There is no item "gone"'
    ):
        started(Arm("A"), Arm("B", version=rules))  # fmt: skip
    assert Experiment.objects.get().state == "draft"


def test_who_is_in_stays_in() -> None:
    made = started(num_buckets=1_000, open_buckets=500)

    with pytest.raises(CannotExperiment, match="50 % of its people take part now"):
        experimenting.open_to(experiment_id=made.pk, share=0.4, by=None, now=NOW)


def test_a_draft_goes_and_what_was_started_stays() -> None:
    gone, kept = draft(), started()

    experimenting.throw_away(experiment_id=gone.pk)

    with pytest.raises(CannotExperiment, match="It was started, so it stays"):
        experimenting.throw_away(experiment_id=kept.pk)
    with pytest.raises(CannotExperiment, match="cannot be changed any more"):
        experimenting.save(experiment=kept, arms=ALIKE[:1] + (Arm("B", source="popular"),), by=None, now=NOW)  # fmt: skip
    assert Experiment.objects.get() == kept


def test_each_end_is_only_once() -> None:
    made = started()
    experimenting.stop(experiment_id=made.pk, reason="enough", by=None, now=NOW)

    with pytest.raises(CannotExperiment, match="does not run"):
        experimenting.stop(experiment_id=made.pk, reason="again", by=None, now=NOW)
    experimenting.conclude(experiment_id=made.pk, variant_id=variants(made)[0].pk, by=None, now=NOW)
    with pytest.raises(CannotExperiment, match="only once"):
        experimenting.conclude(
            experiment_id=made.pk, variant_id=variants(made)[1].pk, by=None, now=NOW
        )
    made.refresh_from_db()
    assert (made.end_reason, made.chosen) == ("enough", variants(made)[0])


def test_how_long_it_takes_is_worked_out_from_the_last_week() -> None:
    for n in range(40):
        experiments.outcome(factories.end_user(), clicks=n % 4)

    made = draft(metric="clicks_per_person", least_lift=0.1)

    # Clicks 0, 1, 2, 3: mean 1.5, relative variance 1.25 / 2.25 x 40 / 39; both halves of the people.
    needed = experimenting.sequential.needed_information(0.1, least_lift=0.1)
    assert made.people_per_week == 40
    assert made.needed_people == pytest.approx(4 * needed * 1.25 / 2.25 * 40 / 39, abs=1)
    assert draft(placement=experiments.placement("empty")).needed_people is None
