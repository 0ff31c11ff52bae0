"""Stored evaluations: their numbers, what they ask and how they fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from interests.models import ChosenSettings, EndUser, Item, RunState
from interests.services import running
from interests.services.running import CannotRun, RunStopped
from recommender.evaluation import segments
from recommender.models import EvaluationRun, MetricValue
from recommender.services import evaluating
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)
TINY = {"width": 16, "num_blocks": 1, "num_heads": 1, "max_epochs": 2, "warmup_steps": 1}
NUM_USERS, NUM_ITEMS, NUM_EVENTS = 20, 24, 8


@pytest.fixture
def population():
    """Let even end users walk through even items and odd ones through odd items."""
    items = [factories.item(f"item {number:02}") for number in range(NUM_ITEMS)]
    for number in range(NUM_USERS):
        person = factories.end_user(f"user {number:02}")
        for step in range(NUM_EVENTS):
            at = NOW + timedelta(days=step, minutes=number)
            thing = items[(number + 2 * step) % NUM_ITEMS]
            factories.event(person, thing, occurred_at=at, received_at=at)


def request(**fields):
    settings = {"algorithms": ["item_knn"], **fields.pop("settings", {})}
    fields = {"split": "leave-one-out", "k": 5, **fields}
    return running.request(EvaluationRun, now=timezone.now(), settings=settings, **fields)


def test_an_evaluation_stores_every_number_of_every_algorithm(population):
    run = request()

    evaluating.evaluate(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, run.error) == (RunState.DONE, "")
    assert run.results["num_users"] == NUM_USERS
    assert run.results["left_out"] == {
        "end users with fewer than 3 events": 0,
        "targets seen before": 0,
    }
    everybody = run.metric_values.filter(segment="all")
    assert {(value.algorithm, value.metric) for value in everybody} == {
        (algorithm, f"{metric}@5")
        for algorithm in ("most_popular", "recently_popular", "item_knn")
        for metric in ("recall", "precision", "ndcg", "map", "mrr", "coverage")
    }
    for value in everybody.exclude(metric="coverage@5"):
        assert value.low <= value.value <= value.high
    assert set(everybody.filter(algorithm=run.results["baseline"]).values_list("p_value")) == {
        (None,)
    }
    others = everybody.exclude(algorithm=run.results["baseline"]).exclude(metric="coverage@5")
    assert not others.filter(p_value=None).exists()


def test_settings_that_somebody_chose_are_told_from_those_of_validation(population):
    ChosenSettings.objects.create(algorithm="ease", settings={"regularisation": 40.0}, chosen_at=NOW)  # fmt: skip
    run = request(settings={"algorithms": ["item_knn", "ease"]})

    evaluating.evaluate(run_id=run.pk)

    run.refresh_from_db()
    told = run.results["algorithms"]
    assert told["ease"]["settings"]["regularisation"] == 40.0
    assert {name: one["settings_given"] for name, one in told.items()} == {
        "most_popular": False, "recently_popular": False, "item_knn": False, "ease": True,
    }  # fmt: skip


def test_the_network_is_fitted_anew_on_the_training_part_only(population):
    trained = {**TINY, "seed": 99, "trend": 2.0, "max_seconds": 20, "num_members": 4}
    training = factories.training_run(results={"settings": trained, "members": [{}, {}]})
    run = request(training_run=training, settings={"algorithms": ["interest_network"]}, seed=3)

    evaluating.evaluate(run_id=run.pk)

    run.refresh_from_db()
    # As it was trained, but for the seed and the trend, which validation chooses: in its time, and as many
    # networks as that time allowed.
    assert run.results["algorithms"]["interest_network"]["settings"]["changes"] == {
        **TINY,
        "max_seconds": 20.0,
        "num_members": 2,
    }
    # Everybody has 8 events, a day apart; the last two are held back.
    assert run.window_to == NOW + timedelta(days=NUM_EVENTS - 3, minutes=NUM_USERS - 1)
    assert MetricValue.objects.filter(algorithm="interest_network", segment="all").count() == 6


def test_numbers_are_those_of_the_same_events_read_from_files(population, tmp_path):
    lines = ["user_id,item_id,kind,occurred_at"]
    for number in range(NUM_USERS):
        for step in range(NUM_EVENTS):
            at = NOW + timedelta(days=step, minutes=number)
            item = (number + 2 * step) % NUM_ITEMS
            lines.append(f"user {number:02},item {item:02},view,{at.isoformat()}")
    (tmp_path / "interactions.csv").write_text("\n".join(lines))
    run = request()
    evaluating.evaluate(run_id=run.pk)

    from interests import datasets
    from recommender import algorithms
    from recommender.evaluation import runner, splits
    from recommender.evaluation.answers import Request

    split = splits.split(datasets.read(tmp_path).sorted(), name="leave-one-out")
    [result] = runner.run(split, algorithms=[algorithms.make("item_knn")], request=Request(k=5))

    run.refresh_from_db()
    stored = run.metric_values.get(algorithm="item_knn", metric="ndcg@5", segment="all")
    assert stored.value == pytest.approx(result.segments["all"].values["ndcg@5"])
    assert run.targets_sha256 == result.targets_sha256


def test_a_restart_removes_what_a_half_run_left(population):
    run = request()
    left = {"evaluation_run": run, "algorithm": "item_knn", "num_users": 1, "value": 0.5}
    MetricValue.objects.create(**left, metric="ndcg@5")
    MetricValue.objects.create(**left, metric="gone@5")

    evaluating.evaluate(run_id=run.pk)

    assert not MetricValue.objects.filter(metric="gone@5").exists()
    assert MetricValue.objects.filter(metric="ndcg@5", segment="all").count() == 3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"settings": {"algorithms": ["eaze"]}}, "There is no algorithm 'eaze'."),
        ({"k": 0}, "k must be from 1 to 1,000, not 0."),
        ({"settings": {"algorithms": ["interest_network"], "training": {"witdh": 3}}}, "witdh"),
    ],
)
def test_a_run_that_asks_for_what_there_is_not_fails_with_its_reason(population, fields, words):
    run = request(**fields)

    with pytest.raises(CannotRun):
        evaluating.evaluate(run_id=run.pk)

    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert words in run.error
    assert not run.metric_values.exists()


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("leave-one-out", ("No end user has 3 events (negative ones aside), so none can be held back. "
         "Bring more events, or use the time split.")),
        ("time", "The time split needs events at different times. Use leave-one-out."),
    ],
)  # fmt: skip
def test_without_events_a_run_fails_in_words(split, words):
    run = request(split=split)

    with pytest.raises(CannotRun):
        evaluating.evaluate(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, run.error) == (RunState.FAILED, words)


def test_a_run_that_is_asked_to_stop_stores_nothing(population, monkeypatch):
    run = request()
    monkeypatch.setattr(evaluating, "REPORT_SECONDS", 0.0)

    def stop_when_answering(hold):
        def report(step, share_done):
            if "answering" in step:
                running.ask_to_stop(EvaluationRun, run_id=run.pk, now=timezone.now())
            hold.report(step, share_done)

        return report

    monkeypatch.setattr(evaluating, "_seldom", stop_when_answering)

    with pytest.raises(RunStopped):
        evaluating.evaluate(run_id=run.pk)

    run.refresh_from_db()
    assert run.state == RunState.STOPPED
    assert not run.metric_values.exists()


def test_events_dated_ahead_of_the_clock_end_no_window(population):
    person = EndUser.objects.get(user_id="user 00")
    for year in (9997, 9998, 9999):
        thing = Item.objects.get(item_id=f"item {year - 9980:02}")
        factories.event(person, thing, occurred_at=datetime(year, 1, 1, tzinfo=UTC))
    run = request()

    evaluating.evaluate(run_id=run.pk)

    run.refresh_from_db()
    assert run.window_to == NOW + timedelta(days=NUM_EVENTS - 3, minutes=NUM_USERS - 1)


def test_people_without_any_event_are_a_part_in_which_attributes_tell(population):
    # Two come late: all that is known of them is where they live.
    for number in range(NUM_USERS, NUM_USERS + 2):
        person = factories.end_user(f"user {number:02}")
        for step in range(NUM_EVENTS):
            at = NOW + timedelta(days=NUM_EVENTS, minutes=step)
            thing = Item.objects.get(item_id=f"item {(number + 2 * step) % NUM_ITEMS:02}")
            factories.event(person, thing, occurred_at=at, received_at=at)
    for person in EndUser.objects.all():
        person.attributes = {"town": "Oslo" if int(person.user_id.split()[1]) % 2 else "Rome"}
        person.save()
    run = request(split="time", settings={"algorithms": ["attribute_popular"]})

    evaluating.evaluate(run_id=run.pk)

    found = {
        value.algorithm: value
        for value in run.metric_values.filter(segment=segments.NEW_USERS, metric="precision@5")
    }
    assert set(found) == {"most_popular", "recently_popular", "attribute_popular"}
    assert {value.num_users for value in found.values()} == {2}
    assert found["attribute_popular"].value > 1.3 * found["most_popular"].value
