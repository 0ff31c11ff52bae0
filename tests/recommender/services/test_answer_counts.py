from __future__ import annotations

import pytest
import redis

from recommender.services import answer_counts
from recommender.services.answer_counts import Counts
from tests.factories import _numbers


@pytest.fixture
def variant(monkeypatch) -> int:
    """A variant of which Redis has heard nothing, in a process that holds nothing."""
    monkeypatch.setattr(answer_counts, "_held", {})
    monkeypatch.setattr(answer_counts, "_keep_flushing", lambda: None)
    return 10**9 + next(_numbers)


class Away:
    """A Redis that is away."""

    def pipeline(self, **_: object) -> None:
        raise redis.ConnectionError("away")


def test_answers_add_up_over_flushes_and_people_count_once(variant: int) -> None:
    for user_id, seconds, items in (
        ("ann", 0.002, [1, 2]), ("ann", 0.004, [2, 3]), ("bob", 0.009, []), ("ann", 60.0, [4]),
    ):  # fmt: skip
        answer_counts.note([variant], user_id=user_id, seconds=seconds, items=items)
        answer_counts.flush()

    [found] = answer_counts.read([variant]).values()

    assert (found.answers, found.people, found.empty_people, found.items) == (4, 2, 1, 4)
    # The minute counts as a second.
    assert found.mean_ms == pytest.approx((2 + 4 + 9 + 1_000) / 4)
    assert found.sd_ms == pytest.approx(430.86, abs=0.01)


def test_without_redis_nothing_fails_and_nothing_is_lost(variant: int, monkeypatch) -> None:
    answer_counts.note([variant], user_id="ann", seconds=0.002, items=[1])
    with monkeypatch.context() as away:
        away.setattr(answer_counts, "_client", Away)
        with pytest.raises(redis.ConnectionError):
            answer_counts.flush()
        while_away = answer_counts.read([variant])

    answer_counts.flush()

    assert while_away == {variant: Counts()}
    assert answer_counts.read([variant])[variant].answers == 1


def test_nothing_is_known_of_a_variant_without_answers(variant: int) -> None:
    [found] = answer_counts.read([variant]).values()

    assert (found, found.mean_ms, found.sd_ms) == (Counts(), None, None)
