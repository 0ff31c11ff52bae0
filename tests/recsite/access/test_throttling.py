"""Requests are counted in Redis, never more than the limit gets through, and Redis may be away."""

import threading

import pytest
import redis

from recsite import redis_client
from recsite.access import throttling
from recsite.access.authentication import Caller

NOW = 1_772_625_600.0  # the beginning of a minute


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    monkeypatch.setattr(throttling, "_blocks", {})
    monkeypatch.setattr(throttling, "_paused_until", 0.0)
    redis_client.client(throttling.PATIENCE_SECONDS).flushdb()


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
    monkeypatch.setattr(redis_client, "client", lambda _: away)

    assert count_let_through(caller(1), 20) == 20


def let_through_from(who, addresses):
    num = 0
    for address in addresses:
        try:
            throttling.check(who, now=NOW, address=address)
        except throttling.RateExceeded:
            continue
        num += 1
    return num


def test_each_address_has_a_limit_with_a_key_for_browsers(monkeypatch):
    monkeypatch.setattr(throttling, "ADDRESS_RATE_PER_MINUTE", 3)
    pages = Caller(1, "pages", frozenset(), 0, frozenset({"https://shop.example"}))

    assert let_through_from(pages, ["10.0.0.1"] * 5) == 3
    assert let_through_from(pages, ["10.0.0.2"] * 5) == 3
    assert let_through_from(pages, [f"2001:db8::{n:x}" for n in range(5)]) == 3  # one household
    assert let_through_from(pages, [f"2001:db8:0:{n:x}::1" for n in range(1, 6)]) == 5
    assert let_through_from(caller(0), ["10.0.0.1"] * 5) == 5  # a server's key


def test_a_flood_of_addresses_takes_a_bounded_part_of_redis(monkeypatch):
    monkeypatch.setattr(throttling, "ADDRESS_BUCKETS", 16)
    pages = Caller(1, "pages", frozenset(), 0, frozenset({"https://shop.example"}))

    let_through_from(pages, [f"10.0.{n // 256}.{n % 256}" for n in range(500)])

    assert redis_client.client(throttling.PATIENCE_SECONDS).dbsize() == 16


@pytest.mark.parametrize(
    ("num_proxies", "forwarded", "address"),
    [
        (0, "1.1.1.1", "127.0.0.1"),  # anybody can write that
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.1", "1.1.1.1"),
        (2, "1.1.1.1", ""),
        (1, "", ""),
    ],
)
def test_address_is_what_the_trusted_proxies_say(rf, settings, num_proxies, forwarded, address):
    settings.TRUSTED_PROXIES = num_proxies

    request = rf.post("/", headers={"X-Forwarded-For": forwarded})

    assert throttling.address_of(request) == address
