"""The trials of a study, with real rows and a real algorithm on a few events."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from interests.models import RunState
from interests.services import running
from recommender import algorithms
from recommender.evaluation import trials
from recommender.models import MetricValue, Study, Trial
from recommender.services import studying, tuning
from tests import factories
from tests.factories import NOW

NUM_USERS, NUM_ITEMS, NUM_EVENTS = 20, 24, 8

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_memory():
    studying._memory.clear()
    yield
    studying._memory.clear()


@pytest.fixture
def population():
    """Let even end users walk through even items and odd ones through odd items."""
    items = [factories.item(f"item {number:02}") for number in range(NUM_ITEMS)]
    for number in range(NUM_USERS):
        person = factories.end_user(f"user {number:02}")
        for step in range(NUM_EVENTS):
            at = NOW + timedelta(days=step, minutes=number)
            thing = items[(number + 2 * step + step % 2) % NUM_ITEMS]
            factories.event(person, thing, occurred_at=at, received_at=at)


def asked(**fields) -> Study:
    fields = {"algorithm": "ease", "num_trials": 5, "now": timezone.now(), **fields}
    return tuning.request(**fields)


def done(study: Study) -> Study:
    """Do a study to its end, as one worker does."""
    studying.begin(run_id=study.pk)
    for _ in range(100):
        if not studying.work(run_id=study.pk):
            study.refresh_from_db()
            return study
    raise AssertionError("It does not end.")


def rows(study: Study):
    return list(study.trials.order_by("number"))


def test_a_study_tries_its_number_of_settings_and_keeps_the_best(population):
    study = done(asked())

    tried = rows(study)
    assert (study.state, study.error, study.share_done) == (RunState.DONE, "", 1.0)
    assert [trial.number for trial in tried] == [0, 1, 2, 3, 4]
    assert {trial.state for trial in tried} == {RunState.DONE}
    # The first is of the usual settings.
    assert tried[0].settings == {"regularisation": 200.0, "half_life": None}
    assert study.start == {"regularisation": 200.0, "half_life": None}
    values = [trial.value for trial in tried]
    best = tried[values.index(max(values))]
    assert study.results["best"] == {
        "number": best.number, "ndcg": best.value, "params": best.settings,
        "settings": best.settings,
    }  # fmt: skip
    assert study.results["start_ndcg"] == tried[0].value
    assert study.results["num_finished"] == 5
    assert study.results["num_users"] == tried[0].results["num_users"] <= NUM_USERS
    # Of the 8 events of everybody the last two are held back; nothing is ever asked of the test.
    assert study.window_to == NOW + timedelta(days=NUM_EVENTS - 3, minutes=NUM_USERS - 1)
    assert not MetricValue.objects.exists()


def test_the_value_of_a_trial_is_ndcg_on_validation_of_the_events_when_the_study_began(population):
    study = asked(num_trials=2)
    studying.begin(run_id=study.pk)
    person = factories.end_user("late")
    for number in range(4):
        factories.event(person, factories.item(f"late {number}"), occurred_at=NOW)

    done(study)

    first = rows(study)[0]
    assert first.results["num_users"] <= NUM_USERS
    split = studying._memory[0].split
    assert split.fit.num_users == NUM_USERS
    again = trials.measure(
        algorithms.make("ease"), algorithms.make("ease").grid()[0], split,
        request=studying.Request(k=10), note=lambda *_: None, report=lambda *_: None,
    )  # fmt: skip
    assert first.value == pytest.approx(again.ndcg)


def test_a_grid_ends_with_its_last_point(population):
    study = done(asked(algorithm="recently_popular", sampler="grid", num_trials=4))

    assert rows(study)[0].settings == {"window_days": 30}
    assert study.results["num_finished"] == study.num_trials == 4


def test_a_killed_worker_s_trial_is_begun_again_with_the_same_values_before_a_new_one(population):
    study = asked(num_trials=3)
    studying.begin(run_id=study.pk)
    studying.work(run_id=study.pk)
    # It dies: nobody renews the lease of its trial, which ends.
    studying._prepare(Study.objects.get())
    hold = studying._take(study.pk)
    hold.release()
    killed: Trial = hold.run
    hold.mine().update(
        lease_expires_at=timezone.now() - timedelta(seconds=1), reached=[[trials.FIRST_SAMPLE, 0.5]]
    )

    assert studying.work(run_id=study.pk)

    again = Trial.objects.get(pk=killed.pk)
    assert (again.state, again.attempt, again.settings) == (RunState.DONE, 2, killed.settings)
    assert again.reached == []  # too few people for samples
    assert study.trials.count() == 2
    assert done(study).results["num_finished"] == 3
    # Whoever was only slow finds that its trial is another's.
    with pytest.raises(running.RunOvertaken):
        studying._finish(hold, value=0.9, results={})


def test_no_more_trials_are_at_work_than_are_allowed(population):
    study = asked(num_trials=4, max_at_once=2)
    assert studying.begin(run_id=study.pk) == 1
    assert studying.begin(run_id=study.pk) == 0  # a message that came twice
    studying._prepare(Study.objects.get())
    holds = [studying._take(study.pk) for _ in range(3)]
    try:
        assert [hold and hold.run.number for hold in holds] == [0, 1, None]
        assert not studying.work(run_id=study.pk)
        assert study.trials.count() == 2
    finally:
        for hold in holds[:2]:
            hold.release()


def test_a_trial_that_is_worse_than_half_of_the_others_ends_early(population, monkeypatch):
    monkeypatch.setattr(trials, "LEAST_USERS", 2)
    pruned = []
    monkeypatch.setattr(
        studying.searching, "is_hopeless", lambda tried, reached: pruned.append(reached) or True
    )

    study = done(asked(num_trials=3))

    tried = rows(study)
    assert [(trial.is_pruned, trial.value is None, trial.state) for trial in tried] == [
        (False, False, "done"), (True, True, "done"), (True, True, "done"),
    ]  # fmt: skip
    assert [step for step, _ in tried[1].reached] == [trials.FIRST_SAMPLE]
    assert (study.state, study.results["num_pruned"]) == (RunState.DONE, 2)
    assert study.results["best"]["number"] == 0


def test_settings_that_fail_fail_their_trial_alone(population, monkeypatch):
    monkeypatch.setattr(
        studying, "_values_for", lambda study, number: {"width": 16 if number != 1 else 0}
    )

    study = done(asked(algorithm="als", num_trials=3))

    assert [trial.state for trial in rows(study)] == ["done", "failed", "done"]
    assert rows(study)[1].error == "als needs a width and a number of passes of at least 1."
    assert (study.state, study.results["num_failed"]) == (RunState.DONE, 1)


def test_a_study_none_of_whose_trials_ends_says_what_the_first_said(population, monkeypatch):
    monkeypatch.setattr(studying, "_values_for", lambda study, number: {"width": 0})

    study = done(asked(algorithm="als", num_trials=2))

    assert study.state == RunState.FAILED
    assert study.error == (
        "No trial came to its end. The first said: "
        "als needs a width and a number of passes of at least 1."
    )


def test_a_study_is_stopped_after_its_present_trial_and_keeps_what_it_found(population):
    study = asked()
    studying.begin(run_id=study.pk)
    studying.work(run_id=study.pk)

    assert running.ask_to_stop(Study, run_id=study.pk, now=timezone.now())
    assert not studying.work(run_id=study.pk)

    study.refresh_from_db()
    assert (study.state, study.error) == (RunState.STOPPED, "Stopped by hand.")
    assert study.results["best"]["number"] == 0
    assert study.trials.count() == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"algorithm": "most_popular"}, "most_popular has no settings to choose."),
        ({}, ("No end user has 3 events (negative ones aside), so none can be held back. "
              "Bring more events, or use the time split.")),
    ],
)  # fmt: skip
def test_what_cannot_be_studied_fails_in_words(fields, words):
    study = done(asked(**fields))

    assert (study.state, study.error) == (RunState.FAILED, words)
    assert not study.trials.exists()


def test_a_message_for_a_study_that_has_ended_does_nothing(population):
    study = done(asked(num_trials=2))

    assert not studying.work(run_id=study.pk)
    assert not studying.work(run_id=study.pk + 1)
    assert study.trials.count() == 2


def test_the_network_s_trial_is_one_network_told_pass_by_pass(population, monkeypatch):
    monkeypatch.setitem(
        studying.OPTIONS, "interest_network",
        {"changes": {"num_members": 1, "width": 32, "num_heads": 1, "num_blocks": 1, "max_epochs": 2}},
    )  # fmt: skip
    study = done(asked(algorithm="interest_network", num_trials=2))

    first, second = rows(study)
    assert (study.state, study.error) == (RunState.DONE, "")
    assert first.settings == {"changes.width": 32, "trend": 0.5}
    assert [step for step, _ in first.reached] == [1, 2]
    assert set(second.settings) == {told["name"] for told in study.space}
    assert second.results["settings"]["changes"]["num_members"] == 1
