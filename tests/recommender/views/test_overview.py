from __future__ import annotations

import json
import re
import time
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from interests.models import ChangeMark, ImportRun, TrainingRun
from recommender.models import LagSample
from recsite import heartbeats
from recsite.celery import QUEUES
from tests import factories
from tests.recommender.views import pages


def test_empty_site_says_what_fills_it(analyst: Client) -> None:
    said = pages.text(analyst.get("/"))

    assert "No events yet" in said
    assert "python manage.py import_data FOLDER" in said
    assert "Nothing serves yet" in said
    assert "Nothing has run yet" in said


def test_counts_and_what_serves(analyst: Client) -> None:
    person, thing = factories.end_user(drift_score=3.5), factories.item()
    for _ in range(2):
        factories.event(person, thing)
    publication = factories.publication()

    said = pages.text(analyst.get("/"))

    assert "End users 1 1 drifting now Items 1 in 0 categories Events 2 newest" in said
    assert f"Publication {publication.pk} Serves since" in said
    assert "Freshness Up to date all events seen" in said


def test_lag_is_told_in_words(analyst: Client) -> None:
    factories.publication()
    waiting_since = timezone.now() - timedelta(minutes=3, seconds=10)
    ChangeMark.objects.create(end_user=factories.end_user(), marked_at=waiting_since)

    response = analyst.get("/")

    assert "Freshness 3 min behind 1 end user waiting" in pages.text(response)
    assert 'class="pulse pulse-late"' in response.content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_overview_asks_as_much_for_three_runs_as_for_one(
    analyst: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    person, thing = factories.end_user(drift_score=4.0), factories.item()
    factories.event(person, thing)
    training = factories.training_run()
    for _ in range(number):
        factories.publication(training_run=training)
    analyst.get("/")  # the movements of the population are kept after this

    with django_assert_num_queries(24):
        analyst.get("/")


def test_failed_training_is_a_warning_until_one_is_done(analyst: Client) -> None:
    now = timezone.now()
    factories.training_run(finished_at=now - timedelta(hours=2))
    failed = factories.training_run(state="failed", error="The disk is full.", finished_at=now)

    assert f"The last training failed. The disk is full. Look at training {failed.pk}" in (
        pages.text(analyst.get("/"))
    )
    factories.training_run(finished_at=now + timedelta(seconds=1))
    assert "The last training failed" not in pages.text(analyst.get("/"))


def test_run_that_nobody_takes_is_a_warning(analyst: Client) -> None:
    asked_at = timezone.now() - timedelta(minutes=6)
    run = TrainingRun.objects.create(requested_at=asked_at)

    assert f"No worker has taken training {run.pk}." in pages.text(analyst.get("/"))


def alive(*, silent: dict[str, float]) -> None:
    """Let every worker have been alive just now, and some so many seconds ago."""
    now = time.time()
    for name in (*QUEUES, heartbeats.BEAT):
        cache.set(f"worker-seen:{name}", now - silent.get(name, 0.0))


def test_silent_worker_is_a_warning_whether_or_not_a_run_waits(analyst: Client) -> None:
    alive(silent={"live": 190.0})

    said = pages.text(analyst.get("/"))

    assert (
        "The worker for live events has been silent for 3 min. New events do not reach interests and "
        "recommendations. Start it: celery -A recsite worker -Q live"
    ) in said
    assert "worker for trainings" not in said


def test_waiting_run_is_no_warning_while_all_workers_are_alive(analyst: Client) -> None:
    alive(silent={"beat": 20.0})
    TrainingRun.objects.create(requested_at=timezone.now() - timedelta(hours=1))

    said = pages.text(analyst.get("/"))

    assert "silent" not in said
    assert "No worker has taken" not in said


def test_old_network_is_a_warning(analyst: Client) -> None:
    trained_at = timezone.now() - timedelta(days=5, hours=1)
    factories.publication(training_run=factories.training_run(finished_at=trained_at))

    assert "The network that serves is 5 days old." in pages.text(analyst.get("/"))


@pytest.mark.parametrize(("rejected", "is_told"), [(0, False), (1, False), (6, True)])
def test_import_with_many_rejects_is_a_warning(
    analyst: Client, rejected: int, is_told: bool
) -> None:
    counts = {"lines": 100, "good": 100 - rejected, "duplicates": 0, "bad": rejected}
    results = {"files": {"interactions.csv": counts}}
    ImportRun.objects.create(**factories.done(source="folder", results=results))

    said = pages.text(analyst.get("/"))

    assert (f"The last import rejected {rejected} of 100 rows" in said) is is_told


def test_rollback_is_offered_to_engineers_only(analyst: Client, engineer: Client) -> None:
    factories.publication()

    assert "Roll back" not in pages.text(analyst.get("/"))
    assert "Roll back" in pages.text(engineer.get("/"))


def test_part_asks_again_only_while_something_runs(analyst: Client) -> None:
    factories.training_run()
    assert b"hx-get" not in analyst.get("/overview/runs").content

    TrainingRun.objects.create(requested_at=factories.NOW)
    part = analyst.get("/overview/runs").content
    assert b'hx-get="/overview/runs" hx-trigger="every 3s"' in part


def test_overview_says_that_the_lag_grows(analyst: Client) -> None:
    now = timezone.now()
    factories.publication()
    for minutes in (9, 6, 1):
        LagSample.objects.create(
            at=now - timedelta(minutes=minutes), lag_seconds=60.0 / minutes, num_waiting=5,
            num_set_aside=0, num_refreshed=40,
        )  # fmt: skip
    for number in range(2):
        ChangeMark.objects.create(
            end_user=factories.end_user(), marked_at=now - timedelta(seconds=40 * number)
        )

    response = analyst.get("/")

    assert "Slates are 40 s behind events; 2 people wait, and it grows" in pages.text(response)
    found = re.search(
        r'<script id="lag-plot" type="application/json">(.*?)</script>', response.content.decode()
    )
    assert found
    assert json.loads(found[1])["data"][0]["y"] == [60 / 9, 10.0, 60.0]


def test_overview_says_that_nobody_waits(analyst: Client) -> None:
    now = timezone.now()
    for minutes, seconds in ((2, 7.0), (1, 0.0)):
        LagSample.objects.create(
            at=now - timedelta(minutes=minutes), lag_seconds=seconds, num_waiting=0,
            num_set_aside=0, num_refreshed=0,
        )  # fmt: skip

    said = pages.text(analyst.get("/"))

    assert "Slates have seen every event; over the last hours they were 7 s behind at most." in said
