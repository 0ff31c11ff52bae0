"""Fault: a worker that does a trial of a study is killed. The study ends with all its trials, none done twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from benchmarks import tuning as benchmark
from interests.models import RunState
from recommender import tasks
from recommender.services import tuning
from recsite.celery import app
from tests import factories, processes
from tests.factories import NOW

NUM_USERS, NUM_ITEMS, NUM_EVENTS = 60, 80, 12
PATIENCE_SECONDS = 300.0

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.services,
    pytest.mark.slow,
]


@pytest.fixture(autouse=True)
def _empty_queue() -> Iterator[None]:
    yield
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge("tuning")


def fill() -> None:
    items = [factories.item() for _ in range(NUM_ITEMS)]
    for number in range(NUM_USERS):
        person = factories.end_user()
        for step in range(NUM_EVENTS):
            thing = items[(number + step * (1 + number % 4)) % NUM_ITEMS]
            factories.event(person, thing, occurred_at=NOW + timedelta(days=step, minutes=number))


def test_a_study_survives_a_worker_killed_in_the_middle(tmp_path: Path) -> None:
    fill()
    study = tuning.request(
        algorithm="interest_network", sampler="random", num_trials=6, max_at_once=2,
        now=timezone.now(),
    )  # fmt: skip
    environment = processes.environment(RUN_LEASE_SECONDS="8", OMP_NUM_THREADS="1")
    workers = [
        benchmark.start_worker(number, tmp_path, environment=environment) for number in range(2)
    ]
    try:
        benchmark.wait_for(workers)
        tasks.enqueue_run(study)
        story = benchmark.follow(study, workers, patience_seconds=PATIENCE_SECONDS)
    finally:
        for worker in workers:
            benchmark.kill(worker)

    trials = list(study.trials.order_by("number"))
    assert (study.state, study.error) == (RunState.DONE, "")
    assert [trial.number for trial in trials] == [0, 1, 2, 3, 4, 5]
    assert {trial.state for trial in trials} == {RunState.DONE}
    assert len(story.lost) == 1
    assert sorted(trial.attempt for trial in trials) == [1, 1, 1, 1, 1, 2]
    assert story.most_at_work == 2
    assert study.results["best"]["ndcg"] >= study.results["start_ndcg"]
