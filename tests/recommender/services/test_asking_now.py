"""Who is asking now: noted in the process, handed over to Redis, first in the worker's line."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from recommender.services import asking_now
from recsite import redis_client


@pytest.fixture(autouse=True)
def nobody():
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete(asking_now.KEY, asking_now.REASONS_KEY)
    yield
    client.delete(asking_now.KEY, asking_now.REASONS_KEY)
    client.close()


def test_the_latest_who_asked_come_first_and_who_asked_why_apart():
    now = timezone.now()
    at = now.timestamp()

    asking_now.hand_over({1: False, 2: True}, at=at - 3)
    asking_now.hand_over({3: False}, at=at - 2)
    asking_now.hand_over({1: False}, at=at - 1)

    assert asking_now.asking(now) == [1, 3, 2]
    assert asking_now.wanting_reasons(now) == [2]


def test_who_asked_longer_than_a_minute_ago_is_not_asking_now():
    now = timezone.now()
    asking_now.hand_over({1: True}, at=now.timestamp() - 59)
    asking_now.hand_over({2: True}, at=now.timestamp() - 61)

    assert asking_now.asking(now) == [1]
    assert asking_now.asking(now + timedelta(seconds=2)) == []


def test_of_a_crowd_the_latest_stay(monkeypatch):
    monkeypatch.setattr(asking_now, "MOST", 3)
    monkeypatch.setattr(asking_now, "MOST_FIRST", 2)
    now = timezone.now()
    for number in range(5):
        asking_now.hand_over({number: False}, at=now.timestamp() + number / 10 - 1)

    client = redis.Redis.from_url(settings.REDIS_URL)
    kept = client.zrange(asking_now.KEY, 0, -1)
    client.close()

    assert kept == [b"2", b"3", b"4"]
    assert asking_now.asking(now) == [4, 3]


def test_what_is_noted_reaches_redis_within_moments(monkeypatch):
    monkeypatch.setattr(asking_now, "_noted", None)

    asking_now.note(7)
    asking_now.note(8, wants_reasons=True)
    asking_now.note(8)

    deadline = time.monotonic() + 10
    while len(asking_now.asking(timezone.now())) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sorted(asking_now.asking(timezone.now())) == [7, 8]
    assert asking_now.wanting_reasons(timezone.now()) == [8]


def test_without_redis_nothing_fails_and_nobody_comes_first(monkeypatch):
    away = redis.Redis.from_url("unix:///nowhere/redis.sock")
    monkeypatch.setattr(redis_client, "client", lambda _: away)

    asking_now.hand_over({1: True}, at=0.0)

    assert asking_now.asking(timezone.now()) == []
    assert asking_now.wanting_reasons(timezone.now()) == []
