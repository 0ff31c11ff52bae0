"""Trainings for an earlier time: what they read, and that nobody takes them for the newest."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from interests.models import RunState, TrainingRun
from interests.selectors import trainings
from interests.services import requesting, training
from tests import factories

NOW = factories.NOW
SMALL = {"width": 8, "max_length": 8, "max_epochs": 1, "tokens_per_batch": 64}
AT = NOW + timedelta(minutes=2)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> Path:
    settings.RECSITE_HOME = tmp_path
    return tmp_path


def ask(at=AT) -> tuple[TrainingRun, bool]:
    by, _ = User.objects.get_or_create(username="ada")
    return requesting.request_training_until(at=at, now=timezone.now(), by=by)


def test_a_training_until_a_time_reads_nothing_later():
    things = [factories.item(f"i{n}") for n in range(6)]
    for user in range(8):
        person = factories.end_user()
        for step in range(5):
            thing = things[(user + step) % 6]
            factories.event(person, thing, occurred_at=NOW + timedelta(minutes=step))
    late = factories.item("late")
    factories.event(person, late, occurred_at=AT + timedelta(seconds=1))
    run, is_new = ask()
    TrainingRun.objects.filter(pk=run.pk).update(settings={**run.settings, **SMALL})

    training.train(run_id=run.pk)

    run.refresh_from_db()
    assert is_new
    assert (run.state, run.error) == (RunState.DONE, "")
    assert (run.window_from, run.window_to) == (NOW, AT)
    assert run.results["num_events"] == 24  # three of each of eight
    # The catalogue may be of today; what the network learned to rank may not.
    assert "late" not in training.load(run).item_ids.tolist()
    assert training.latest_done() is None
    assert trainings.trained_by(AT) == run
    assert trainings.trained_by(AT - timedelta(seconds=1)) is None


def test_one_training_is_asked_for_one_time_until_it_fails():
    run, is_new = ask()
    again, is_new_again = ask()
    other, is_other_new = ask(AT + timedelta(days=1))
    TrainingRun.objects.filter(pk=run.pk).update(state=RunState.FAILED, finished_at=NOW)
    after, is_after_new = ask()

    assert (again, is_new, is_new_again) == (run, True, False)
    assert is_other_new
    assert other != run
    assert is_after_new
    assert after != run
    assert trainings.asked_for(AT) == after


def test_the_training_that_knows_most_by_a_time_is_taken():
    early = factories.training_run(window_to=NOW - timedelta(days=9))
    later = factories.training_run(window_to=NOW - timedelta(days=2))
    factories.training_run(window_to=NOW + timedelta(days=1))
    TrainingRun.objects.create(requested_at=NOW, window_to=NOW)

    assert trainings.trained_by(NOW) == later
    assert trainings.trained_by(NOW - timedelta(days=5)) == early
