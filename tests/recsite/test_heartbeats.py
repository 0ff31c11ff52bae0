from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.cache import caches
from django.test import override_settings

from recommender.selectors import health
from recommender.selectors.health import WorkerSeen
from recsite import heartbeats

AWAY = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "unix:///nowhere/redis.sock",
    }
}


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Stop the time at noon; `clock.now` moves it."""
    clock = SimpleNamespace(now=43_200.0)
    monkeypatch.setattr(heartbeats.time, "time", lambda: clock.now)
    monkeypatch.setattr(heartbeats, "_written_at", {})
    caches["default"].clear()
    return clock


def test_a_worker_is_seen_when_it_beats(clock):
    heartbeats.seen(names=["live", "default"])
    clock.now += 12

    assert heartbeats.seconds_since_seen(names=["live", "default", "training"]) == {
        "live": 12.0,
        "default": 12.0,
        "training": None,
    }


def test_beats_are_written_every_five_seconds(clock):
    for _ in range(8):
        heartbeats.seen(names=["live"])
        clock.now += 1

    assert heartbeats.seconds_since_seen(names=["live"]) == {"live": 3.0}


@pytest.mark.parametrize(("seconds", "is_silent"), [(30, False), (31, True)])
def test_a_worker_is_silent_after_half_a_minute(clock, seconds, is_silent):
    heartbeats.seen(names=["training"])
    clock.now += seconds

    assert health.workers_seen() == [
        WorkerSeen("training", float(seconds), is_silent),
        WorkerSeen("tuning", None, True),
        WorkerSeen("live", None, True),
        WorkerSeen("asked", None, True),
        WorkerSeen("default", None, True),
        WorkerSeen("beat", None, True),
    ]


def test_beat_is_seen_when_it_sends(clock):
    heartbeats.of_beat(sender="recommender.tasks.advance")

    assert heartbeats.seconds_since_seen(names=["beat"]) == {"beat": 0.0}


def test_without_the_cache_nothing_breaks_and_nobody_is_seen(clock):
    with override_settings(CACHES=AWAY):
        heartbeats.seen(names=["live"])

        assert heartbeats.seconds_since_seen(names=["live"]) == {"live": None}
