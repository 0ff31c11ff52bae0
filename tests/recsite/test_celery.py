from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from recsite import heartbeats
from recsite.celery import MAX_STARTS, QUEUES, SCHEDULE, app
from tests.recsite import poison


def test_every_task_of_the_site_names_its_queue_and_a_time_limit():
    app.loader.import_default_modules()

    tasks = {
        name: (task.queue, task.time_limit is not None, task.acks_late)
        for name, task in app.tasks.items()
        if name.startswith(("interests.", "recommender."))
    }

    assert len(tasks) >= 9
    assert {queue for queue, _, _ in tasks.values()} == set(QUEUES)
    assert {(is_limited, is_late) for _, is_limited, is_late in tasks.values()} == {(True, True)}


def test_the_schedule_names_tasks_that_exist_on_their_own_queue():
    app.loader.import_default_modules()

    found = {task: app.tasks[task].queue for task, _, _, _ in SCHEDULE.values()}

    assert found == {task: queue for task, queue, _, _ in SCHEDULE.values()}
    assert len(app.conf.beat_schedule) == len(SCHEDULE)


def test_importing_the_tasks_does_not_import_torch():
    code = (
        "import django, sys; django.setup(); import recommender.tasks;"
        "print([name for name in ('torch', 'interests.learning') if name in sys.modules])"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "recsite.settings"}

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True,
        cwd=settings.BASE_DIR,
    )  # fmt: skip

    assert done.stdout.strip() == "[]"


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[None]:
    log = (tmp_path / "worker.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "tests.recsite.poison", "worker", "-c", "1",
         "-Q", poison.QUEUE, "-n", "poison@%h"],
        cwd=settings.BASE_DIR, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    yield
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    log.close()


def wait_until(is_so: Callable[[], bool], *, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def num_starts(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.mark.services
def test_a_poisoned_message_is_dead_after_three_starts_and_the_queue_moves_on(worker, tmp_path):
    deadly, failing, after = tmp_path / "deadly", tmp_path / "failing", tmp_path / "after"
    poison.poison.delay(path=str(deadly))
    poison.failing.delay(path=str(failing))
    assert wait_until(lambda: num_starts(deadly) == num_starts(failing) == MAX_STARTS)

    poison.harmless.delay(path=str(after))

    assert wait_until(after.exists)
    with app.connection_for_read() as connection:
        left = connection.default_channel.client.llen(poison.QUEUE)
    assert (left, num_starts(deadly), num_starts(failing)) == (0, MAX_STARTS, MAX_STARTS)
    # The worker's main process beats although its child was killed again and again.
    seen = heartbeats.seconds_since_seen(names=[poison.QUEUE])[poison.QUEUE]
    assert seen is not None
    assert seen < heartbeats.SILENT_SECONDS
