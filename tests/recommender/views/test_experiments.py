from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from recommender.models import Experiment, ExperimentLook, ExperimentPerson
from recommender.services import answer_counts, looking
from recommender.services.answer_counts import Counts
from recommender.services.checking_experiments import Arm
from tests import factories
from tests.factories import NOW
from tests.recommender.experiments import (
    crowd,
    draft,
    outcome,
    placement,
    started,
    variants,
    version,
)


@pytest.fixture
def curator(db: None) -> Client:
    account = User.objects.create_user("curator", "c@example.org", "a long password")
    account.groups.add(Group.objects.get(name="curator"))
    client = Client()
    client.force_login(account)
    return client


@pytest.fixture(autouse=True)
def _counts(monkeypatch) -> None:
    monkeypatch.setattr(answer_counts, "read", lambda keys: {key: Counts() for key in keys})


def entered(**changed: str) -> dict[str, str]:
    """Return what somebody enters who leaves all defaults as they are."""
    fields = {
        "name": "Popular or own", "placement": str(placement().pk), "kind": "compare",
        "metric": "clicks_per_impression", "least_percent": "10", "percent": "100", "first_percent": "100",
        "ramp_days": "0", "max_slower_percent": "50", "variant_0_name": "A", "variant_0_weight": "1",
        "variant_1_name": "B", "variant_1_weight": "1", "variant_1_source": "popular_30d",
    }  # fmt: skip
    return {**fields, **changed}


def looked(made: Experiment, *, clicking: tuple[int, int], num: tuple[int, int] = (400, 400)) -> None:  # fmt: skip
    for variant, people, some in zip(variants(made), num, clicking, strict=True):
        crowd(variant, num=people, clicking=some, name=f"{made.pk} {variant.name}")
    looking.look(experiment_id=made.pk, now=NOW + timedelta(days=1))


def test_a_curator_makes_starts_and_stops_one(curator: Client) -> None:
    made = curator.post("/experiments/new", entered(ramp_days="4", first_percent="20"))
    experiment = Experiment.objects.get()
    draft_page = curator.get(f"/experiments/{experiment.pk}").content.decode()
    curator.post(f"/experiments/{experiment.pk}/start")
    curator.post(f"/experiments/{experiment.pk}/open", {"percent": "60"})
    page = curator.get(f"/experiments/{experiment.pk}").content.decode()
    curator.post(f"/experiments/{experiment.pk}/stop", {"reason": "Seen enough."})

    experiment.refresh_from_db()
    assert (made.status_code, made["Location"]) == (302, f"/experiments/{experiment.pk}")
    assert "How long it will take is not known" in draft_page
    assert "No effect to draw yet" in page
    assert (experiment.layer, experiment.least_lift, experiment.max_slower, experiment.max_empty) == (
        "home", 0.1, 0.5, None,
    )  # fmt: skip
    assert (experiment.state, experiment.open_buckets, experiment.end_reason) == (
        "stopped", 6_000, "Seen enough.",
    )  # fmt: skip
    assert [(one.name, one.source) for one in variants(experiment)] == [
        ("A", ""), ("B", "popular_30d"),
    ]  # fmt: skip
    changes = curator.get(f"/experiments/{experiment.pk}").context["changes"]
    assert [(by, text) for _, by, text in changes] == [
        ("curator", "Stopped it: Seen enough."), ("curator", "Opened it to 60 % of its people."),
        ("curator", "Started it."), ("curator", "Made the draft."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"variant_1_source": ""}, "variant_1_source", "It does the same as A. Change something."),
        ({"name": ""}, "name", "This field is required."),
        ({"percent": "0"}, "percent", "Ensure this value is greater than or equal to 0.01."),
        ({"variant_1_name": ""}, "variant_1_name", "This field is required."),
        ({"placement": "99"}, "placement", "Select a valid choice. That choice is not one of the available choices."),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_field(curator: Client, changed, field: str, said: str) -> None:
    answer = curator.post("/experiments/new", entered(**changed))

    assert answer.status_code == 422
    assert answer.context["form"].errors == {field: [said]}
    assert not Experiment.objects.exists()


def test_a_draft_is_edited_with_what_was_entered_and_thrown_away(curator: Client) -> None:
    curator.post("/experiments/new", entered(percent="40", max_empty_percent="2.5"))
    made = Experiment.objects.get()

    form = curator.get(f"/experiments/{made.pk}/edit").context["form"]
    curator.post(f"/experiments/{made.pk}/edit", entered(name="Another", variant_2_name="C", variant_2_source="trending"))  # fmt: skip

    assert (form.initial["percent"], form.initial["max_empty_percent"], form.initial["variant_1_source"]) == (
        40.0, 2.5, "popular_30d",
    )  # fmt: skip
    assert [str(one) for one in variants(made)] == ["A", "B", "C"]
    curator.post(f"/experiments/{made.pk}/throw-away")
    assert not Experiment.objects.exists()


def test_the_page_says_first_what_can_be_decided(curator: Client) -> None:
    rules = version(2, length=5)
    made = started(Arm("A"), Arm("B", version=rules), name="Short")
    looked(made, clicking=(100, 200))

    context = curator.get(f"/experiments/{made.pk}").context
    listed = curator.get("/experiments").context["rows"]
    curator.post(f"/experiments/{made.pk}/conclude", {"variant": str(variants(made)[1].pk)})

    look = ExperimentLook.objects.get(variant__name="B")
    text = (
        f"B brings 100.0 % more clicks per item seen than A ({100 * look.low:.1f} to {100 * look.high:.1f}); "
        "sure enough to decide."
    )
    assert [context["row"].verdict.text, listed[0].verdict.text] == [text, text]
    assert context["best"].variant.name == "B"
    assert [trace["name"] for trace in context["figure"].plot["data"]] == ["B, interval", "B"]
    assert context["figure"].rows[0][1:3] == ["B", "+100.00%"]
    made.refresh_from_db()
    assert (made.state, made.chosen.name, placement().live_version) == ("concluded", "B", rules)


def test_people_shared_out_wrongly_come_before_any_effect(curator: Client) -> None:
    made = started()
    looked(made, clicking=(100, 200), num=(600, 400))

    page = curator.get(f"/experiments/{made.pk}")

    assert page.context["row"].verdict.text.startswith(
        "Do not trust it: 60.0 % of people got A where 50.0 % should; p < 0.0001."
    )
    assert page.context["best"] is None


def test_of_mixed_lists_the_page_says_which_people_prefer(curator: Client) -> None:
    made = started(Arm("Own"), Arm("Popular", source="popular"), kind="interleave")
    own, popular = variants(made)
    for n in range(90):
        outcome(
            factories.end_user(),
            own,
            popular,
            clicks=2,
            second_clicks=2 if n < 80 else 0,
            source="i",
        )
    looking.look(experiment_id=made.pk, now=NOW + timedelta(days=1))

    page = curator.get(f"/experiments/{made.pk}")

    look = ExperimentLook.objects.get(variant=popular)
    assert page.context["row"].verdict.text == (
        f"People prefer Popular: it earned 88.9 % of the clicks ({50 + 50 * look.low:.1f} to "
        f"{50 + 50 * look.high:.1f}); sure enough to decide."
    )
    assert (
        "10 people prefer Own, 80 people prefer Popular; sign test over people, valid at any look: p = &lt;\u20090.001."
        in page.content.decode()
    )


@pytest.mark.parametrize("num", [1, 3])
def test_the_list_asks_the_database_as_often_for_three_as_for_one(
    curator: Client, num: int, django_assert_num_queries
) -> None:
    for _ in range(num):
        looked(started(num_buckets=3_000, open_buckets=3_000), clicking=(60, 60), num=(80, 80))
    curator.get("/experiments")

    with django_assert_num_queries(9):
        page = curator.get("/experiments")

    assert len(page.context["rows"]) == num


def test_analysts_look_and_do_nothing(analyst: Client) -> None:
    made = draft()

    answers = [
        analyst.get("/experiments/new").status_code,
        *(
            analyst.post(f"/experiments/{made.pk}/{act}").status_code
            for act in ("edit", "start", "open", "stop", "conclude", "throw-away")
        ),
    ]

    assert answers == [403] * 7
    assert "Start it" not in analyst.get(f"/experiments/{made.pk}").content.decode()
    assert Experiment.objects.get().state == "draft"


def test_an_empty_list_says_what_an_experiment_is(analyst: Client) -> None:
    page = analyst.get("/experiments").content.decode()

    assert "No experiment yet" in page
    assert "Curators and engineers can make one." in page
    assert analyst.get("/experiments/1").status_code == 404


def test_odd_answers_to_the_forms_break_nothing(curator: Client) -> None:
    made = started(num_buckets=100, open_buckets=50)

    for percent in ("", "nan", "9" * 400, "-1", "40", "1.2.3", "²"):
        curator.post(f"/experiments/{made.pk}/open", {"percent": percent})
    for variant in ("", "x", "0", "²"):
        curator.post(f"/experiments/{made.pk}/conclude", {"variant": variant})

    made.refresh_from_db()
    assert (made.state, made.open_buckets) == ("running", 50)
    assert not ExperimentPerson.objects.exists()
    assert timezone.is_aware(made.started_at)
