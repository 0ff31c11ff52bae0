from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model

from interests.drift import detectors
from interests.models import DetectorChoice, RunState, SelfTestRun
from interests.services import detecting, running, self_testing
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
REACHED = {
    "threshold": 7.5, "false_alarms_per_1000": 0.8, "found_share": 0.6, "low": 0.5, "high": 0.7,
    "median_delay": 18.0, "late_delay": 30.0,
}  # fmt: skip


@pytest.fixture
def engineer():
    return get_user_model().objects.create(username="eve")


def population(num_users: int, num_events: int) -> None:
    shelves = [factories.category(name) for name in "abcd"]
    items = [factories.item(categories=(shelf,)) for shelf in shelves]
    for user in range(num_users):
        person = factories.end_user()
        for step in range(num_events):
            place = user % 4 if step % 4 else (user + step // 4) % 4
            at = NOW + timedelta(hours=step)
            factories.event(person, items[place], occurred_at=at)


def test_a_self_test_ends_with_what_each_threshold_reaches(engineer):
    population(8, 70)
    run, is_new = self_testing.request(now=NOW, by=engineer)

    self_testing.test_detector(run_id=run.pk)

    run.refresh_from_db()
    assert (is_new, run.state, run.error) == (True, RunState.DONE, "")
    results = run.results
    assert (results["num_end_users"], results["num_events"], results["num_changes"]) == (8, 560, 8)
    assert results["detector_version"] == detectors.VERSION
    assert run.settings["threshold"] in [row["threshold"] for row in results["reached"]]


def test_one_under_way_is_not_asked_for_twice(engineer):
    first, _ = self_testing.request(now=NOW, by=engineer)

    assert self_testing.request(now=NOW, by=engineer) == (first, False)


@pytest.mark.parametrize(
    ("num_events", "words"), [(0, "There are no events yet"), (20, "No history has 60 events")]
)
def test_too_little_data_fails_with_what_is_missing(engineer, num_events, words):
    population(2, num_events)
    run, _ = self_testing.request(now=NOW, by=engineer)

    with pytest.raises(running.CannotRun, match=words):
        self_testing.test_detector(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, words in run.error) == (RunState.FAILED, True)


def test_a_chosen_threshold_is_in_force_until_the_usual_one_is_chosen_again(engineer):
    run = SelfTestRun.objects.create(**factories.done(results={"reached": [REACHED]}))

    chosen = self_testing.choose(run=run, threshold=7.5, now=NOW, by=engineer)

    assert detecting.settings_in_force().threshold == 7.5
    assert (chosen.false_alarms_per_1000, chosen.self_test, chosen.chosen_by) == (
        0.8,
        run,
        engineer,
    )
    self_testing.choose_usual(now=NOW + timedelta(hours=1), by=engineer)
    assert detecting.settings_in_force() == detectors.DEFAULT


def test_a_threshold_that_was_not_tried_is_refused(engineer):
    run = SelfTestRun.objects.create(**factories.done(results={"reached": [REACHED]}))
    waiting = SelfTestRun.objects.create(requested_at=NOW, results={"reached": [REACHED]})

    for tested, threshold in ((run, 3.0), (run, float("nan")), (waiting, 7.5)):
        with pytest.raises(self_testing.NotTested, match="Choose one of its table"):
            self_testing.choose(run=tested, threshold=threshold, now=NOW, by=engineer)
    assert not DetectorChoice.objects.exists()
