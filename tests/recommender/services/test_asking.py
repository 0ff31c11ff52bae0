from __future__ import annotations

import threading
import time

import pytest
from django.core.cache import cache

from recommender.services import asking
from recommender.services.asking import DEADLINE_SECONDS, Asked, State

NOW = 1_000_000.0


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    cache.clear()


def test_a_key_is_of_what_is_asked_and_of_what_the_answer_depends_on():
    key = asking.key_of("q", arguments={"a": 1, "b": 2}, depends_on=[7])

    assert asking.key_of("q", arguments={"b": 2, "a": 1}, depends_on=[7]) == key
    others = {
        asking.key_of("r", arguments={"a": 1, "b": 2}, depends_on=[7]),
        asking.key_of("q", arguments={"a": 1, "b": 3}, depends_on=[7]),
        asking.key_of("q", arguments={"a": 1, "b": 2}, depends_on=[8]),
    }
    assert len(others - {key}) == 3


def test_the_first_to_ask_sends_and_the_second_joins():
    assert asking.place("k", now=NOW) == (Asked("k", State.WAITING), True)
    assert asking.place("k", now=NOW + 3) == (Asked("k", State.WAITING, seconds=3.0), False)


def test_an_answer_is_read_by_whoever_asks_the_same():
    asking.place("k", now=NOW)

    asking.keep_answer("k", {"items": [3, 1]}, now=NOW + 1)

    answered = Asked("k", State.ANSWERED, answer={"items": [3, 1]}, seconds=1.0)
    assert asking.look("k", now=NOW + 2) == answered
    assert asking.place("k", now=NOW + 2) == (answered, False)


def test_a_failure_says_why_and_is_soon_forgotten():
    asking.keep_failure("k", "Nothing serves yet.", now=NOW)

    assert asking.look("k", now=NOW) == Asked("k", State.FAILED, reason="Nothing serves yet.")
    assert (
        0
        < cache._cache.get_client().ttl(cache.make_key("asked:k"))
        <= (asking.FAILURE_KEPT_SECONDS)
    )


def test_nobody_answered_in_time_and_whoever_looks_at_the_page_again_asks_anew():
    asking.place("k", now=NOW)
    late = NOW + DEADLINE_SECONDS + 1

    assert asking.look("k", now=late - 2) == Asked(
        "k", State.WAITING, seconds=DEADLINE_SECONDS - 1.0
    )
    assert asking.look("k", now=late) == Asked("k", State.EXPIRED, seconds=DEADLINE_SECONDS + 1.0)
    assert asking.place("k", now=late) == (Asked("k", State.WAITING), True)
    assert asking.look("k", now=late + 1) == Asked("k", State.WAITING, seconds=1.0)


def test_what_nobody_asked_is_not_known():
    assert asking.look("k", now=NOW) is None


def test_who_waits_gets_the_answer_that_comes_meanwhile():
    asking.place("k", now=time.time())
    worker = threading.Timer(0.05, asking.keep_answer, ["k", {"n": 1}], {"now": time.time()})
    worker.start()

    found = asking.wait(Asked("k", State.WAITING), seconds=10)

    worker.join()
    assert (found.state, found.answer) == (State.ANSWERED, {"n": 1})


def test_a_question_that_nobody_came_to_is_asked_anew_by_the_next():
    asking.place("k", now=time.time())

    assert asking.wait(Asked("k", State.WAITING), seconds=0.02) == Asked("k", State.WAITING)
    assert asking.place("k", now=time.time()) == (Asked("k", State.WAITING), True)
