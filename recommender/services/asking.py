"""Questions that a live worker answers: asked from pages, answered within moments, kept for minutes.

A question is known by the hash of what it asks and of what its answer depends on. So whoever asks the same
meanwhile joins, and an answer is asked for anew when new events have come or another publication serves.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.core.cache import cache

from recsite import caching

# A turn of refreshing people goes on for half a minute; a worker that is there comes to it by then.
DEADLINE_SECONDS = 40
KEPT_SECONDS = 600
# Whatever stood in the way may be gone when somebody looks again.
FAILURE_KEPT_SECONDS = 20
# Between looks of who waits for an answer within one request.
LOOK_SECONDS = 0.008
UNREACHABLE = (
    "The queue cannot be reached, so no live worker can be asked. Look again in a minute; "
    "if it stays, see whether Redis runs."
)


class Question(StrEnum):
    """What can be asked; which service answers it stands in `services.answering`."""

    BEFORE_AFTER = "before_after"
    AS_OF_SLATE = "as_of_slate"
    AS_OF_STATE = "as_of_state"
    WHAT_IF = "what_if"
    SESSION = "session"
    CATEGORY_FOR = "category_for"


class State(StrEnum):
    """Where a question stands."""

    WAITING = "waiting"
    ANSWERED = "answered"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Asked:
    """A question and how it stands.

    Attributes:
        key: by which it is looked up again
        answer: plain values, empty before there is one
        reason: why it failed and what to do
        seconds: since it was asked
    """

    key: str
    state: State
    answer: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    seconds: float = 0.0

    @property
    def is_waiting(self) -> bool:
        return self.state == State.WAITING


def key_of(question: str, *, arguments: Mapping[str, Any], depends_on: Any) -> str:
    """Return by what a question is known: the same for the same plain values, in whatever order.

    One about a person names them, so that its answer can be forgotten with them.
    """
    said = json.dumps([question, dict(arguments), depends_on], sort_keys=True)
    person = arguments.get("end_user_id")
    start = caching.name_of_person(person) if isinstance(person, int) else ""
    return start + hashlib.sha256(said.encode()).hexdigest()[:32]


def place(key: str, *, now: float) -> tuple[Asked, bool]:
    """Note that somebody asks, and return how it stands and whether its message is to be sent.

    Args:
        now: seconds since 1970.
    """
    if cache.add(_name(key), {"asked_at": now}, timeout=KEPT_SECONDS):
        return Asked(key, State.WAITING), True
    found = look(key, now=now)
    if found is not None and found.state != State.EXPIRED:
        return found, False
    cache.set(_name(key), {"asked_at": now}, timeout=KEPT_SECONDS)
    return Asked(key, State.WAITING), True


def look(key: str, *, now: float) -> Asked | None:
    """Return how a question stands, None where nobody has asked it for minutes."""
    found = cache.get(_name(key))
    if found is None:
        return None
    seconds = max(now - found["asked_at"], 0.0)
    if "answer" in found:
        return Asked(key, State.ANSWERED, answer=found["answer"], seconds=seconds)
    if "reason" in found:
        return Asked(key, State.FAILED, reason=found["reason"], seconds=seconds)
    state = State.EXPIRED if seconds > DEADLINE_SECONDS else State.WAITING
    return Asked(key, state, seconds=seconds)


def wait(asked: Asked, *, seconds: float) -> Asked:
    """Return how a question stands once it has an answer or failed, or so many seconds have passed.

    One that still waits then is forgotten: whoever asks next asks anew.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        found = look(asked.key, now=time.time())
        if found is None:
            return asked
        if not found.is_waiting:
            return found
    cache.delete(_name(asked.key))
    return asked


def keep_answer(key: str, answer: Mapping[str, Any], *, now: float) -> None:
    """Keep an answer for those who asked; `answer` is plain values."""
    cache.set(_name(key), {"asked_at": now, "answer": dict(answer)}, timeout=KEPT_SECONDS)


def keep_failure(key: str, reason: str, *, now: float) -> None:
    """Keep why there is no answer."""
    cache.set(_name(key), {"asked_at": now, "reason": reason}, timeout=FAILURE_KEPT_SECONDS)


def unreachable(key: str) -> Asked:
    """Return how a question stands that could not be sent."""
    return Asked(key, State.FAILED, reason=UNREACHABLE)


def _name(key: str) -> str:
    return f"asked:{key}"
