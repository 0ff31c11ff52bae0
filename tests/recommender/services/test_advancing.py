from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection

from interests.models import ImportRun, PopulationRun, Run, RunState, TrackingRun, TrainingRun
from recommender.models import (
    EvaluationRun,
    Placement,
    PlacementVersion,
    PublicationRun,
    Serving,
)
from recommender.services import advancing
from tests import factories
from tests.factories import NOW

LATER = NOW + timedelta(minutes=1)
KINDS: tuple[type[Run], ...] = (
    TrainingRun,
    TrackingRun,
    PopulationRun,
    PublicationRun,
    EvaluationRun,
)


def imported(at: datetime = NOW) -> None:
    ImportRun.objects.create(**factories.done(source="folder", finished_at=at))
    factories.event(factories.end_user(), factories.item(), received_at=at)


def end(run: Run, state: RunState = RunState.DONE) -> None:
    type(run)._default_manager.filter(pk=run.pk).update(state=state, finished_at=LATER)


def requested() -> list[str]:
    runs = [run for kind in KINDS for run in kind._default_manager.order_by("pk")]
    return [type(run).__name__ for run in runs]


@pytest.mark.django_db
def test_nothing_is_requested_for_nothing():
    assert advancing.advance(now=NOW) == []


@pytest.mark.django_db
def test_the_chain_requests_each_run_once_its_cause_is_done():
    imported()

    seen = []
    while runs := advancing.advance(now=LATER):
        assert advancing.advance(now=LATER) == []  # whoever looks again finds it requested
        seen.append([type(run).__name__ for run in runs])
        for run in runs:
            end(run)

    assert seen == [
        ["TrainingRun"],
        ["TrackingRun"],
        ["PopulationRun", "PublicationRun"],
        ["EvaluationRun"],
        ["EvaluationRun"],
    ]
    training = TrainingRun.objects.get()
    assert TrackingRun.objects.get().training_run == training
    assert PublicationRun.objects.get().training_run == training
    evaluations = EvaluationRun.objects.order_by("pk")
    assert [(run.training_run, run.split) for run in evaluations] == [
        (training, "leave-one-out"),
        (training, "time"),
    ]


@pytest.mark.django_db
def test_an_import_says_how_its_training_is_to_be():
    imported()
    ImportRun.objects.update(settings={"training": {"max_seconds": 5}})

    [training] = advancing.advance(now=LATER)

    assert training.settings == {"max_seconds": 5}


@pytest.mark.django_db
def test_an_import_under_way_holds_the_training_back():
    imported()
    ImportRun.objects.create(source="more", requested_at=NOW)

    assert advancing.advance(now=LATER) == []


@pytest.mark.django_db
def test_a_dry_run_of_an_import_calls_for_nothing():
    imported()
    ImportRun.objects.update(settings={"dry_run": True})

    advancing.advance(now=NOW)

    assert requested() == []


@pytest.mark.django_db
def test_an_import_that_brought_no_events_calls_for_nothing():
    imported()
    factories.training_run(requested_at=LATER)
    advancing.advance(now=LATER)
    ImportRun.objects.create(
        **factories.done(source="again", finished_at=LATER + timedelta(minutes=1))
    )

    advancing.advance(now=LATER + timedelta(minutes=2))

    assert TrainingRun.objects.count() == 1


@pytest.mark.django_db
def test_a_training_that_began_during_an_import_has_not_seen_its_events():
    factories.training_run(requested_at=NOW + timedelta(seconds=30))
    imported()
    files = {"interactions.csv": {"part": "events", "good": 1}}
    ImportRun.objects.update(finished_at=LATER, results={"files": files})

    asked = [type(run) for run in advancing.advance(now=LATER)]

    assert TrainingRun in asked


@pytest.mark.django_db
def test_a_failed_training_is_not_tried_again_but_states_are_made_without_it():
    imported()
    (training,) = advancing.advance(now=LATER)
    end(training, RunState.FAILED)

    (tracking,) = advancing.advance(now=LATER)
    end(tracking)

    assert isinstance(tracking, TrackingRun)
    assert tracking.training_run is None
    assert [type(run) for run in advancing.advance(now=LATER)] == [PopulationRun]
    assert advancing.advance(now=LATER) == []


@pytest.mark.django_db
def test_a_failed_tracking_does_not_keep_slates_back():
    imported()
    end(*advancing.advance(now=LATER))
    end(*advancing.advance(now=LATER), RunState.FAILED)

    assert [type(run) for run in advancing.advance(now=LATER)] == [PublicationRun]


@pytest.mark.django_db
def test_events_call_for_a_report_an_hour_after_the_last_one():
    TrackingRun.objects.create(**factories.done(tracker_version="test"))
    (first,) = advancing.advance(now=LATER)
    end(first, RunState.FAILED)
    hour_later = LATER + timedelta(hours=1)
    unmoved = advancing.advance(now=hour_later)
    factories.event(
        factories.end_user(), factories.item(), received_at=LATER + timedelta(minutes=5)
    )

    early = advancing.advance(now=hour_later - timedelta(seconds=1))
    due = advancing.advance(now=hour_later)

    assert isinstance(first, PopulationRun)
    assert (unmoved, early) == ([], [])
    assert [type(run) for run in due] == [PopulationRun]


@pytest.mark.django_db
def test_the_night_trains_only_on_newer_events():
    factories.training_run(requested_at=NOW)
    person, item = factories.end_user(), factories.item()
    factories.event(person, item, received_at=NOW - timedelta(hours=1))
    before = advancing.request_nightly_training(now=LATER)
    factories.event(person, item, received_at=NOW + timedelta(hours=1))

    after = advancing.request_nightly_training(now=LATER)

    assert before is None
    assert after == TrainingRun.objects.get(state=RunState.WAITING)
    assert advancing.request_nightly_training(now=LATER) is None


@pytest.mark.django_db
def test_a_run_that_nobody_began_is_forgotten_after_a_minute():
    run = ImportRun.objects.create(source="folder", requested_at=NOW)

    assert advancing.forgotten(ImportRun, now=NOW + timedelta(seconds=59)) == []
    assert advancing.forgotten(ImportRun, now=NOW + timedelta(seconds=61)) == [run.pk]


@pytest.mark.django_db(transaction=True)
def test_eight_callers_at_once_request_one_run():
    imported()
    together = threading.Barrier(8)

    def call() -> None:
        together.wait()
        advancing.advance(now=LATER)
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert requested() == ["TrainingRun"]


@pytest.mark.django_db
def test_a_training_for_looking_back_calls_for_nothing_and_stands_in_nobodys_way():
    until = {"until": NOW.isoformat()}
    factories.training_run(settings=until, requested_at=LATER)
    TrainingRun.objects.create(state=RunState.WAITING, requested_at=LATER, settings=until)

    before_any_import = advancing.advance(now=LATER)
    imported()
    (training,) = advancing.advance(now=LATER)
    end(training)
    factories.training_run(settings=until, requested_at=LATER)
    (tracking,) = advancing.advance(now=LATER)

    assert before_any_import == []
    assert "until" not in training.settings
    assert isinstance(tracking, TrackingRun)
    assert tracking.training_run_id == training.pk


@pytest.mark.django_db
def test_rules_that_show_used_items_again_call_for_slates_that_have_them_once():
    training = factories.training_run()
    TrackingRun.objects.create(tracker_version="1", training_run=training, **factories.done())
    factories.publication(training_run=training, results={"shows_seen": False})
    assert "PublicationRun" not in [type(run).__name__ for run in advancing.advance(now=LATER)]
    placement = Placement.objects.create(name="again", created_at=NOW)
    placement.live_version = PlacementVersion.objects.create(
        placement=placement, number=1, rules={"seen": "always"}, created_at=NOW
    )
    placement.save(update_fields=["live_version"])

    runs = advancing.advance(now=LATER)

    assert [type(run).__name__ for run in runs].count("PublicationRun") == 1
    assert "PublicationRun" not in [type(run).__name__ for run in advancing.advance(now=LATER)]
    made = PublicationRun.objects.latest("pk")
    PublicationRun.objects.filter(pk=made.pk).update(results={"shows_seen": True})
    end(made)
    Serving.objects.update(publication=made)
    assert "PublicationRun" not in [type(run).__name__ for run in advancing.advance(now=LATER)]


@pytest.mark.django_db
@pytest.mark.parametrize("settings", [{}, {"switch": True, "set": {"regularisation": 50.0}}])
def test_the_next_slates_are_ranked_as_those_that_serve(settings):
    factories.publication(algorithm="ease", settings=settings)
    training = factories.training_run()
    TrackingRun.objects.create(tracker_version="1", training_run=training, **factories.done())

    advancing.advance(now=LATER)

    made = training.publication_runs.get()
    assert made.algorithm == "ease"
    assert made.settings == {name: one for name, one in settings.items() if name == "set"}
