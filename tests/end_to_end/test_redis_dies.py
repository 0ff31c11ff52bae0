"""Fault 3: Redis is killed while events come in. None that was acknowledged is lost, and nobody sees an error."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interests.models import EndUser, EventKind, Interaction, InterestState
from recsite import embedded, programs
from tests import factories, processes

NUM_SENDERS = 3
DOWN_SECONDS = 4.0
CONSUMING_AGAIN_SECONDS = 30.0
PATIENCE_SECONDS = 60.0

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.services,
    pytest.mark.slow,
]


class Senders:
    """Threads that post batches of new events until they are told to stop."""

    def __init__(self, port: int, key: str) -> None:
        self.port, self.key = port, key
        self.acknowledged: list[str] = []
        self.statuses: Counter[int] = Counter()
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(NUM_SENDERS)]
        for thread in self._threads:
            thread.start()

    def post(self, ids: list[str], user_id: str) -> int:
        events = [
            {"event_id": event_id, "user_id": user_id, "item_id": "book", "kind": "view"}
            for event_id in ids
        ]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        with contextlib.closing(connection):
            headers = {
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
            }
            connection.request(
                "POST", "/api/v1/events", json.dumps({"events": events}), headers=headers
            )
            return connection.getresponse().status

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _send(self, number: int) -> None:
        for turn in itertools.count():
            if self._is_over.is_set():
                return
            ids = [f"{number}-{turn}-{n}" for n in range(5)]
            status = self.post(ids, f"user {(number * 7 + turn) % 20}")
            self.statuses[status] += 1
            if status == 200:
                self.acknowledged += ids
            time.sleep(0.02)


@contextlib.contextmanager
def site(home: Path, port: int) -> Iterator[None]:
    """Run a web process, a live worker and beat with the Redis of a folder."""
    celery = ["-m", "celery", "-A", "recsite"]
    commands = [
        ["-m", "gunicorn", "recsite.wsgi", "--worker-class", "gthread", "--threads", "4", "--workers", "1",
         "--bind", f"127.0.0.1:{port}", "--no-control-socket", "--log-level", "warning"],
        [*celery, "worker", "-Q", "live", "-c", "1", "--without-gossip", "--without-mingle"],
        [*celery, "beat", "--pidfile=", "-s", str(home / "beat-schedule")],
    ]  # fmt: skip
    log = (home / "output.log").open("w")
    running = [
        subprocess.Popen(
            [sys.executable, *command], stdout=log, stderr=log,
            env=processes.environment(REDIS_URL=embedded.redis_url(home)),
        )
        for command in commands
    ]  # fmt: skip
    try:
        yield
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log.close()


def until(is_so: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def states_of(user_id: str) -> int:
    return InterestState.objects.filter(end_user__user_id=user_id).count()


def test_events_go_on_while_redis_is_dead_and_are_consumed_afterwards(server_home: Path) -> None:
    EventKind.objects.get_or_create(name="view")
    key = factories.api_key("events:write", rate_per_minute=100_000)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    redis = embedded.start_redis(server_home, ends_with_parent=True)
    try:
        with site(server_home, port):
            until(lambda: programs.answers(port), PATIENCE_SECONDS)
            senders = Senders(port, key)
            try:
                senders.post(["before"], "before")
                until(lambda: states_of("before") == 1, PATIENCE_SECONDS)

                redis.kill()
                redis.wait()
                time.sleep(DOWN_SECONDS)
                num_meanwhile = len(senders.acknowledged)
                assert senders.post(["meanwhile"], "meanwhile") == 200
                senders.stop()  # no later event wakes the worker
                redis = embedded.start_redis(server_home, ends_with_parent=True)

                until(lambda: states_of("meanwhile") == 1, CONSUMING_AGAIN_SECONDS)
                assert senders.post(["after"], "after") == 200
                until(lambda: states_of("after") == 1, CONSUMING_AGAIN_SECONDS)
            finally:
                senders.stop()
            until(lambda: not EndUser.objects.exclude(change_mark=None).exists(), PATIENCE_SECONDS)
    finally:
        embedded.stop(redis)

    assert dict(senders.statuses) == {200: senders.statuses[200]}
    assert num_meanwhile > 0
    stored = set(Interaction.objects.values_list("event_id", flat=True))
    assert stored - {"before", "meanwhile", "after"} == set(senders.acknowledged)
