"""Requests are counted in Redis, never more than the limit gets through, and Redis may be away."""

import threading

import pytest
import redis

from recsite.access import throttling
from recsite.access.authentication import Caller

NOW = 1_772_625_600.0  # the beginning of a minute


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    monkeypatch.setattr(throttling, "_blocks", {})
    monkeypatch.setattr(throttling, "_paused_until", 0.0)
    throttling._client().flushdb()


def caller(rate, key_id=1):
    return Caller(key_id, "test", frozenset(), rate)


def count_let_through(who, tries, *, now=NOW):
    num = 0
    for _ in range(tries):
        try:
            throttling.check(who, now=now)
        except throttling.RateExceeded:
            continue
        num += 1
    return num


@pytest.mark.parametrize("rate", [1, 7, 599, 1_199])
def test_small_limit_is_exact(rate):
    assert count_let_through(caller(rate), rate + 5) == rate


def test_large_limit_lets_no_more_through_from_two_processes(monkeypatch):
    who = caller(6_000)
    first = count_let_through(who, 3_001)
    monkeypatch.setattr(throttling, "_blocks", {})  # what another process knows
    second = count_let_through(who, 4_000)

    assert 5_990 <= first + second <= 6_000


def test_next_minute_starts_anew_and_the_wait_is_until_then():
    assert count_let_through(caller(2), 3) == 2
    with pytest.raises(throttling.RateExceeded) as refused:
        throttling.check(caller(2), now=NOW + 45)

    assert refused.value.wait == 15
    assert count_let_through(caller(2), 3, now=NOW + 60) == 2


def test_keys_do_not_share_a_count_and_zero_is_no_limit():
    assert count_let_through(caller(2, key_id=1), 3) == 2
    assert count_let_through(caller(2, key_id=2), 3) == 2
    assert count_let_through(caller(0, key_id=3), 50) == 50


def test_threads_together_get_no_more_than_the_limit():
    counts = []
    threads = [
        threading.Thread(target=lambda: counts.append(count_let_through(caller(100), 50)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(counts) == 100


def test_everybody_is_let_through_while_redis_is_away(monkeypatch):
    away = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.1)
    monkeypatch.setattr(throttling, "_client", lambda: away)

    assert count_let_through(caller(1), 20) == 20
