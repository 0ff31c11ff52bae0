"""How answers of each variant were: how long they took, who got an empty one, how many different items they showed.

Told by the web processes, kept in Redis, read by `looking`. A request only adds to what its process holds; a
thread of the process hands that on every few seconds, so that no answer waits for Redis and none fails with it.
People and items are counted by Redis' HyperLogLog: within 0.8 %, in 12 KB, and nobody can be read out of it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

import redis
import structlog
from django.conf import settings

FLUSH_SECONDS = 5.0
KEPT_SECONDS = 120 * 86_400
# What one process holds while Redis is away.
MOST_HELD = 20_000
# One answer that waited for a lock would otherwise outweigh a thousand.
MOST_MS = 1_000.0
# Standard error of a HyperLogLog of 2^14 registers, as Redis has.
COUNT_ERROR = 0.0081

log = structlog.get_logger()


@dataclass(slots=True)
class _Held:
    answers: int = 0
    ms: float = 0.0
    squares: float = 0.0
    people: set[str] = field(default_factory=set)
    empty: set[str] = field(default_factory=set)
    items: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Counts:
    """What is known of a variant's answers so far. Times in milliseconds, each cut at a second."""

    answers: int = 0
    ms: float = 0.0
    squares: float = 0.0
    people: int = 0
    empty_people: int = 0
    items: int = 0

    @property
    def mean_ms(self) -> float | None:
        """Mean time of an answer."""
        return self.ms / self.answers if self.answers else None

    @property
    def sd_ms(self) -> float | None:
        """Standard deviation of the time of answers."""
        if not self.answers:
            return None
        return math.sqrt(max(self.squares / self.answers - (self.ms / self.answers) ** 2, 0.0))


_lock = threading.Lock()
_held: dict[int, _Held] = {}
_thread: threading.Thread | None = None


def note(variants: Iterable[int], *, user_id: str, seconds: float, items: Iterable[int]) -> None:
    """Add one answer to what its variants' answers were; cheap, and it never fails.

    Args:
        items: keys of what was shown; none: the answer was empty.
    """
    ms, shown = min(1_000 * seconds, MOST_MS), tuple(items)
    with _lock:
        for variant in variants:
            held = _held.setdefault(variant, _Held())
            if len(held.people) >= MOST_HELD:
                continue
            held.answers += 1
            held.ms += ms
            held.squares += ms * ms
            held.people.add(user_id)
            held.items.update(shown)
            if not shown:
                held.empty.add(user_id)
    _keep_flushing()


def flush() -> None:
    """Hand on what this process holds.

    Raises:
        redis.RedisError: Redis is away; what was held is kept, unless there is newer already.
    """
    global _held
    with _lock:
        taken, _held = _held, {}
    if not taken:
        return
    try:
        with _client().pipeline(transaction=True) as pipe:
            for variant, held in taken.items():
                _write(pipe, variant, held)
            pipe.execute()
    except redis.RedisError:
        with _lock:
            for variant, held in taken.items():
                _held.setdefault(variant, held)
        raise


def read(variants: Iterable[int]) -> dict[int, Counts]:
    """Return what is known of each variant's answers; zeros where nothing is, or Redis is away."""
    keys = list(variants)
    try:
        with _client().pipeline(transaction=False) as pipe:
            for variant in keys:
                pipe.hmget(_key(variant, "sums"), ["answers", "ms", "squares"])
                for what in ("people", "empty", "items"):
                    pipe.pfcount(_key(variant, what))
            found = pipe.execute()
    except redis.RedisError as error:
        log.warning("answer_counts_not_read", error=str(error))
        return {variant: Counts() for variant in keys}
    counts = {}
    for place, variant in enumerate(keys):
        (answers, ms, squares), people, empty, items = found[4 * place : 4 * place + 4]
        counts[variant] = Counts(
            int(answers or 0), float(ms or 0), float(squares or 0), people, empty, items
        )
    return counts


def _write(pipe: redis.client.Pipeline, variant: int, held: _Held) -> None:
    sums = _key(variant, "sums")
    pipe.hincrby(sums, "answers", held.answers)
    pipe.hincrbyfloat(sums, "ms", held.ms)
    pipe.hincrbyfloat(sums, "squares", held.squares)
    pipe.expire(sums, KEPT_SECONDS)
    for what, values in (("people", held.people), ("empty", held.empty), ("items", held.items)):
        if values:
            pipe.pfadd(_key(variant, what), *values)
            pipe.expire(_key(variant, what), KEPT_SECONDS)


def _key(variant: int, what: str) -> str:
    return f"experiment:variant:{variant}:{what}"


@cache
def _client() -> redis.Redis:
    found: redis.Redis = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2
    )
    return found


def _keep_flushing() -> None:
    """Start this process's thread with its first answer: a process that was forked has none of its parent's."""
    global _thread
    if _thread is not None and _thread.is_alive():
        return
    with _lock:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_flush_for_ever, name="answer counts", daemon=True)
            _thread.start()


def _flush_for_ever() -> None:
    while True:
        time.sleep(FLUSH_SECONDS)
        try:
            flush()
        except Exception as error:  # noqa: BLE001  # the thread must outlive whatever happens to Redis
            log.warning("answer_counts_not_written", error=str(error))
