"""The cache holds plain values and runs nothing."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import redis
from django.conf import settings
from django.core.cache import cache

from interests.selectors.movements import Movement, Movements
from interests.selectors.states import CategoryName
from recommender.selectors import pages_population


@dataclass
class NotPlain:
    number: int


def test_plain_values_come_back_and_whole_numbers_are_counted():
    cache.set("plain", {"a": [1, 2.5, None, "é"]}, 10)
    cache.set("count", 1, 10)

    assert cache.get("plain") == {"a": [1, 2.5, None, "é"]}
    assert cache.incr("count") == 2


def test_nothing_is_pickled_and_nothing_unpickled():
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.set(":1:foreign", pickle.dumps(NotPlain(1)), ex=10)
    client.close()

    with pytest.raises(ValueError):  # of JSON or of UTF-8
        cache.get("foreign")
    with pytest.raises(TypeError):
        cache.set("own", NotPlain(1))


def test_the_overviews_movements_survive_the_cache(monkeypatch):
    row = Movement(CategoryName(1, "Poetry", None), 0.1, 0.2, 3.5, True)
    found = Movements([row], [], datetime(2026, 3, 4, tzinfo=UTC), 10, 20, 30)
    monkeypatch.setattr(pages_population.movements, "rising_and_falling", lambda *, limit: found)
    cache.delete(pages_population.CACHE_KEY)

    fresh, kept = pages_population._movements(), pages_population._movements()

    cache.delete(pages_population.CACHE_KEY)
    assert (fresh is found, kept == found, kept is found) == (True, True, False)
