"""Events and reads at fixed rates over sockets that are kept open, and a look at when slates have seen events."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks import load
from benchmarks.live_site import Site
from benchmarks.publishing import NUM_ITEMS

CONNECTIONS = 8
LOOK_SECONDS = 0.1
# Of the reads so many are by people who have just posted something.
SHARE_OF_ACTIVE = 0.5
# An event is stored this long after it was due at the latest; so long its person is looked at in any case.
LONGEST_POST_SECONDS = 2.0
# A look asks for each person who waits; more of them are looked at less often, so that looking costs next to nothing.
LOOKUPS_A_SECOND = 10_000
NUM_LATEST = 500


@dataclass
class Sent:
    """What was sent and how it was answered.

    Attributes:
        latencies: method and seconds from when each request was due to its answer
        due: of each event by its id, seconds since 1970
        errors: what went wrong, in words
    """

    name: str
    latencies: list[tuple[str, float]] = field(default_factory=list)
    due: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def milliseconds(self, method: str) -> NDArray[np.float64]:
        """Return the latencies of all requests of a method."""
        return np.array([1000 * seconds for own, seconds in self.latencies if own == method])


def send(
    site: Site,
    *,
    seconds: float,
    events: float,
    reads: float,
    name: str,
    at_middle: Callable[[], object] = lambda: None,
    at_post: Callable[[str, float], object] = lambda person, due: None,
) -> Sent:
    """Post events and read recommendations at these rates a second; return when all is answered.

    Args:
        at_post: told of each event before it is sent: whose it is, and when it is due.
    """
    # A kept site has events of earlier times, too.
    sent, rng, latest = (
        Sent(f"{name}-{uuid.uuid4().hex[:8]}"),
        random.Random(name),
        [0] * NUM_LATEST,
    )
    began = time.time() + 0.2
    posts = _Paced(began, events, int(seconds * events))
    gets = _Paced(began, reads, int(seconds * reads))

    def post(number: int, due: float) -> bytes:
        person = rng.randrange(site.num_people)
        latest[number % NUM_LATEST] = person
        event = {
            "event_id": f"{sent.name}-{number}", "user_id": f"user-{person}", "kind": "view",
            "item_id": f"item-{1 + int(rng.random() ** 2 * NUM_ITEMS)}",
        }  # fmt: skip
        sent.due[event["event_id"]] = due
        at_post(event["user_id"], due)
        body = json.dumps({"events": [event]}).encode()
        return load.request("/api/v1/events", key=site.key, body=body)

    def get(number: int, due: float) -> bytes:
        is_active = rng.random() < SHARE_OF_ACTIVE
        person = rng.choice(latest) if is_active else rng.randrange(site.num_people)
        return load.request(f"/api/v1/users/user-{person}/recommendations", key=site.key)

    threads = [
        threading.Thread(target=_work, args=(site.port, paced, make, sent))
        for paced, make in ((posts, post), (gets, get))
        for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    time.sleep(max(began + seconds / 2 - time.time(), 0))
    at_middle()
    for thread in threads:
        thread.join()
    return sent


class _Paced:
    """Numbers and when each is due, handed out to threads."""

    def __init__(self, began: float, rate: float, total: int) -> None:
        self._lock = threading.Lock()
        self._due = iter([(number, began + number / rate) for number in range(total)])

    def __iter__(self) -> Iterator[tuple[int, float]]:
        while True:
            with self._lock:
                number, due = next(self._due, (-1, 0.0))
            if number < 0:
                return
            yield number, due


def _work(port: int, paced: _Paced, make: Callable[[int, float], bytes], sent: Sent) -> None:
    connection: socket.socket | None = None
    for number, due in paced:
        message = make(number, due)
        time.sleep(max(0.0, due - time.time()))
        try:
            if connection is None:
                connection = socket.create_connection(("127.0.0.1", port), load.PATIENCE_SECONDS)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(message)
            load.read_answer(connection)
        except (RuntimeError, OSError) as error:
            sent.errors.append(str(error))
            connection = None
            continue
        sent.latencies.append((message[:4].decode().strip(), time.time() - due))
    if connection is not None:
        connection.close()


class Watch:
    """Looks ten times a second at the slates of people with events, and remembers when it found which events in them."""

    def __init__(self) -> None:
        self._found: dict[int, list[tuple[Any, float]]] = {}
        self._posted: deque[tuple[str, float]] = deque()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def expect(self, person: str, due: float) -> None:
        """Look at this person's slate until it has seen what was due then."""
        self._posted.append((person, due))

    def _look_on(self) -> None:
        from django.db import connection

        from interests.models import EndUser

        keys = dict(EndUser.objects.values_list("user_id", "pk"))
        waiting: dict[int, float] = {}
        while not self._is_over.wait(max(LOOK_SECONDS, len(waiting) / LOOKUPS_A_SECOND)):
            while self._posted:
                person, due = self._posted.popleft()
                waiting[keys[person]] = due
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT end_user_id, events_through FROM recommender_slate "
                    "WHERE end_user_id = ANY(%s) AND events_through IS NOT NULL",
                    [list(waiting)],
                )
                rows, at = cursor.fetchall(), time.time()
            for end_user, through in rows:
                known = self._found.setdefault(end_user, [])
                if not known or known[-1][0] < through:
                    known.append((through, at))
                is_stored = waiting[end_user] < at - LONGEST_POST_SECONDS
                if is_stored and through.timestamp() >= waiting[end_user]:
                    del waiting[end_user]
        connection.close()

    def wait(self, sent: Sent, *, patience: float) -> None:
        """Return when slates have seen all events, or patience is at its end."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and len(self.waits(sent)[0]) < len(sent.due):
            time.sleep(1)

    def waits(self, sent: Sent) -> tuple[NDArray[np.float64], int]:
        """Return the seconds from when each event was due to a slate that has seen it, and how many are stored."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT event_id, end_user_id, received_at FROM interests_interaction "
                "WHERE event_id LIKE %s",
                [f"{sent.name}-%"],
            )
            stored = cursor.fetchall()
        waits = []
        for event_id, end_user, received in stored:
            seen = (at for through, at in self._found.get(end_user, []) if through >= received)
            if (at := next(seen, None)) is not None:
                waits.append(at - sent.due[event_id])
        return np.array(waits), len(stored)
