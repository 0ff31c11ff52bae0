"""Studies are asked for, kept going, and put to use."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from interests.models import ChosenSettings, RunState
from recommender.models import Study, Trial
from recommender.services import tuning
from recommender.services.tuning import CannotTune, NothingToUse, Wanted
from recsite.access.models import AuditEntry
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def study(**fields):
    fields = {"algorithm": "ease", "state": "started", "requested_at": NOW, **fields}
    return Study.objects.create(**fields)


def trial(of: Study, number: int, **fields):
    return Trial.objects.create(study=of, number=number, **{"requested_at": NOW, **fields})


def test_a_study_is_asked_for_with_all_it_needs():
    ada = User.objects.create_user("ada")

    made = tuning.request(algorithm="als", sampler="grid", num_trials=12, max_at_once=3, seed=7, split="time", now=NOW, by=ada)  # fmt: skip

    row = Study.objects.get()
    assert row == made
    assert (row.algorithm, row.sampler, row.num_trials, row.max_at_once, row.seed, row.split) == (
        "als", "grid", 12, 3, 7, "time",
    )  # fmt: skip
    assert (row.state, row.requested_by, row.settings) == (
        RunState.WAITING, ada, {"budget_seconds": 600.0},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"algorithm": "eaze"}, "There is no algorithm 'eaze'."),
        ({"sampler": "luck"}, "There is no way to search 'luck'. Choose from: tpe, random, grid."),
        ({"split": "half"}, "There is no split 'half'. Choose from: leave-one-out, time."),
        ({"num_trials": 1}, "From 2 to 1,000 trials make sense, not 1."),
        ({"max_at_once": 0}, "From 1 to 256 trials at once make sense, not 0."),
        ({"seed": 2**31}, "The seed must be at most 2,147,483,647, not 2,147,483,648."),
        ({"budget_seconds": 0}, "The seed must be 0 or more, and the time for a trial above 0."),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(asked, words):
    with pytest.raises(CannotTune) as raised:
        tuning.request(**{"algorithm": "ease", "now": NOW, **asked})

    assert str(raised.value) == words
    assert not Study.objects.exists()


def test_a_study_lacks_workers_where_one_died_or_nobody_is_at_work():
    soon, before = NOW + timedelta(seconds=9), NOW - timedelta(seconds=9)
    busy = study()
    trial(busy, 0, state="started", attempt=1, lease_expires_at=soon)
    bereft = study()
    lost = trial(bereft, 0, state="started", attempt=2, lease_expires_at=before)
    idle = study(max_at_once=6)
    trial(idle, 0, **factories.done(value=0.1))
    study(state="waiting")

    assert tuning.lacking(now=NOW) == [
        Wanted(bereft.pk, 1, f"trial-{lost.pk}-2"),
        Wanted(idle.pk, 6, "nobody-at-work"),
    ]


def test_a_trial_that_killed_three_workers_is_given_up():
    own = study()
    lost = trial(own, 0, state="started", attempt=3, lease_expires_at=NOW - timedelta(seconds=1))

    wanted = tuning.lacking(now=NOW)

    lost.refresh_from_db()
    assert lost.state == RunState.FAILED
    assert lost.error == "Its worker died 3 times. See the worker's log."
    assert wanted == [Wanted(own.pk, 4, "nobody-at-work")]


def found(number: int, **fields):
    best = {"number": number, "ndcg": 0.2, "params": {"regularisation": 40.0}}
    return study(**factories.done(results={"best": best}, **fields))


def test_the_best_settings_are_used_from_now_on_and_the_audit_knows_by_whom():
    ada = User.objects.create_user("ada")
    first, second = found(3), found(4)

    tuning.use(study=first, now=NOW, by=ada)
    tuning.use(study=second, now=NOW, by=ada)

    row = ChosenSettings.objects.get()
    assert (row.algorithm, row.settings, row.study_number, row.chosen_by) == (
        "ease", {"regularisation": 40.0}, second.pk, ada,
    )  # fmt: skip
    noted = AuditEntry.objects.filter(table="interests.chosensettings").order_by("pk")
    assert [entry.action for entry in noted] == ["insert", "update"]


def test_the_usual_settings_are_one_step_away():
    tuning.use(study=found(3), now=NOW, by=None)

    assert tuning.use_usual(algorithm="ease")
    assert not tuning.use_usual(algorithm="ease")
    assert not ChosenSettings.objects.exists()


def test_what_is_no_better_or_not_found_yet_is_not_used():
    with pytest.raises(
        NothingToUse, match="has found nothing better than the usual settings of ease"
    ):
        tuning.use(study=found(0), now=NOW, by=None)
    with pytest.raises(NothingToUse, match="is started and has no settings to use"):
        tuning.use(study=study(), now=NOW, by=None)

    assert not ChosenSettings.objects.exists()
