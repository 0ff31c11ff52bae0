from __future__ import annotations

from datetime import timedelta

import pytest

from recommender.evaluation import sequential
from recommender.models import ExperimentChange, ExperimentLook, ExperimentPerson
from recommender.services import answer_counts, experimenting, looking
from recommender.services.answer_counts import Counts
from recommender.services.checking_experiments import Arm
from tests import factories
from tests.factories import NOW
from tests.recommender.experiments import crowd, outcome, started, variants

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=10)


@pytest.fixture(autouse=True)
def counts(monkeypatch) -> dict[int, Counts]:
    """Say how answers were; nothing is said of variants left out."""
    found: dict[int, Counts] = {}
    monkeypatch.setattr(
        answer_counts, "read", lambda keys: {key: found.get(key, Counts()) for key in keys}
    )
    return found


def test_each_person_counts_once_with_all_hours_of_theirs() -> None:
    made = started()
    a, b = variants(made)
    ann, bob, eve = (factories.end_user(name) for name in ("ann", "bob", "eve"))
    factories.event(ann, factories.item(), occurred_at=NOW - timedelta(days=1))
    outcome(ann, a, clicks=1)
    outcome(ann, a, hour=13, clicks=3, conversions=1)
    outcome(bob, b, clicks=0)
    outcome(eve, a), outcome(eve, b, hour=13)  # merged from two guests
    outcome(factories.end_user("nobody's"), placement=made.placement_id)

    looking.look(experiment_id=made.pk, now=LATER)

    rows = {
        row.end_user.user_id: row for row in ExperimentPerson.objects.select_related("end_user")
    }
    assert {name: row.variant for name, row in rows.items()} == {"ann": a, "bob": b, "eve": None}
    assert (rows["ann"].impressions, rows["ann"].clicks, rows["ann"].conversions) == (20, 4, 1)
    assert rows["ann"].earlier == pytest.approx(0.6931, abs=1e-4)
    looks = {look.variant: look for look in ExperimentLook.objects.select_related("variant")}
    assert {look.variant.name: (look.people, look.value) for look in looks.values()} == {
        "A": (1, 0.2), "B": (1, 0.0),
    }  # fmt: skip
    made.refresh_from_db()
    assert (made.crossed_people, made.looked_at) == (1, LATER)


def test_what_comes_later_is_taken_in_and_counted_once() -> None:
    made = started()
    a, _ = variants(made)
    ann = factories.end_user()
    first = outcome(ann, a)
    looking.look(experiment_id=made.pk, now=LATER)
    first.delete()  # counted anew, with what came late
    outcome(ann, a, clicks=5, counted_at=LATER)

    for minutes in (20, 30, 30):
        looking.look(experiment_id=made.pk, now=NOW + timedelta(minutes=minutes))

    assert ExperimentPerson.objects.get().clicks == 5
    assert ExperimentLook.objects.filter(variant=a).count() == 3


def test_a_look_says_what_the_test_says_of_the_people() -> None:
    made = started(metric="clicks_per_person")
    a, b = variants(made)
    crowd(a, num=120, clicking=60, name="a")
    crowd(b, num=120, clicking=90, name="b")

    looking.look(experiment_id=made.pk, now=LATER)

    look = ExperimentLook.objects.get(variant=b)
    sums = looking.experiments.sums_by_variant(made)
    found = sequential.compare(sums[a.pk], sums[b.pk], least_lift=0.1)
    assert found is not None
    assert (look.value, look.effect) == (1.5, pytest.approx(0.5))
    assert (look.low, look.high, look.p_value) == (found.low, found.high, found.p_value)
    control = ExperimentLook.objects.get(variant=a)
    assert (control.people, control.value, control.effect) == (120, 1.0, None)


def test_people_shared_out_wrongly_are_noticed_for_good() -> None:
    made = started()
    a, b = variants(made)
    crowd(a, num=250, clicking=0, name="a")
    crowd(b, num=50, clicking=0, name="b")

    looking.look(experiment_id=made.pk, now=LATER)
    made.refresh_from_db()
    noticed = made.sample_ratio_p
    crowd(b, num=200, clicking=0, name="more", counted_at=LATER)
    looking.look(experiment_id=made.pk, now=LATER + timedelta(minutes=10))

    made.refresh_from_db()
    assert noticed < 0.001
    assert made.sample_ratio_p == noticed


def test_of_interleaving_people_prefer_a_list() -> None:
    made = started(Arm("A"), Arm("B", source="popular"), kind="interleave")
    a, b = variants(made)
    for n in range(90):
        outcome(factories.end_user(), a, b, clicks=2, second_clicks=2 if n < 80 else 0, source="i")
    outcome(factories.end_user(), a, b, clicks=0, source="i")

    looking.look(experiment_id=made.pk, now=LATER)

    first, second = (ExperimentLook.objects.get(variant=variant) for variant in (a, b))
    assert (first.people, first.wins, second.wins) == (90, 10, 80)
    assert second.value == pytest.approx(80 / 90)
    assert second.effect == pytest.approx(70 / 90)
    assert second.low is not None and second.low > 0
    assert first.effect is None


def test_a_guardrail_that_breaks_stops_it_and_says_why(counts) -> None:
    made = started(max_slower=0.5)
    a, b = variants(made)
    counts[a.pk] = Counts(5_000, 5_000 * 40.0, 5_000 * 2_000.0, 400, 0, 900)
    counts[b.pk] = Counts(5_000, 5_000 * 90.0, 5_000 * 9_000.0, 400, 0, 900)

    looking.look(experiment_id=made.pk, now=LATER)

    made.refresh_from_db()
    assert (made.state, made.ended_at) == ("stopped", LATER)
    assert made.end_reason == (
        "B: answers take 90.0 ms instead of 40.0 ms; more than 50 % longer was not allowed."
    )
    last = ExperimentChange.objects.latest("pk")
    assert (last.by, last.text) == ("guardrail", f"Stopped it: {made.end_reason}")
    look = ExperimentLook.objects.get(variant=b)
    assert (look.answers, look.mean_ms, look.sd_ms) == (5_000, 90.0, 30.0)


@pytest.mark.parametrize(("source", "state"), [("", "stopped"), ("popular", "running")])
def test_few_different_items_do_harm_where_people_should_get_their_own(
    counts, source: str, state: str
) -> None:
    made = started(max_lost_coverage=0.5)
    a, b = variants(made)
    type(b).objects.filter(pk=b.pk).update(source=source)
    counts[a.pk] = Counts(5_000, 5_000 * 4.0, 5_000 * 20.0, 400, 0, 900)
    counts[b.pk] = Counts(5_000, 5_000 * 4.0, 5_000 * 20.0, 400, 0, 30)

    looking.look(experiment_id=made.pk, now=LATER)

    made.refresh_from_db()
    assert made.state == state


def test_no_guardrail_is_watched_that_nobody_asked_for(counts) -> None:
    made = started()
    a, b = variants(made)
    counts[a.pk] = Counts(5_000, 5_000 * 4.0, 5_000 * 20.0, 400, 0, 900)
    counts[b.pk] = Counts(5_000, 5_000 * 9.0, 5_000 * 90.0, 400, 400, 9)

    looking.look(experiment_id=made.pk, now=LATER)

    made.refresh_from_db()
    assert made.state == "running"


def test_what_runs_is_looked_at_and_what_ended_for_a_week_more() -> None:
    running, ended = started(num_buckets=10, open_buckets=10), started(num_buckets=10, open_buckets=10)  # fmt: skip
    experimenting.stop(experiment_id=ended.pk, reason="", by=None, now=NOW)

    assert looking.look_at_all(now=NOW + timedelta(days=6)) == 2
    assert looking.look_at_all(now=NOW + timedelta(days=8)) == 1
    assert ExperimentLook.objects.filter(variant__experiment=running).count() == 4
