from __future__ import annotations

import numpy as np
import pytest

from recommender.evaluation import guardrails
from recommender.evaluation.guardrails import Answers


def answers(**changed: float) -> Answers:
    fields = {"answers": 10_000, "mean_ms": 40.0, "sd_ms": 30.0, "asked": 2_000, "empty": 20, "items": 900}  # fmt: skip
    return Answers(**{**fields, **changed})


def test_slow_answers_are_said_once_they_are_sure() -> None:
    assert guardrails.slower(answers(), answers(mean_ms=90.0), most=0.5) == (
        "answers take 90.0 ms instead of 40.0 ms; more than 50 % longer was not allowed"
    )
    assert guardrails.slower(answers(), answers(mean_ms=59.0), most=0.5) == ""
    assert guardrails.slower(answers(), answers(mean_ms=60.2), most=0.5) == ""  # may be chance
    assert guardrails.slower(answers(), answers(mean_ms=90.0, answers=999), most=0.5) == ""
    # A large share of a time that nobody feels.
    quick = answers(mean_ms=1.3, sd_ms=1.0)
    assert guardrails.slower(quick, answers(mean_ms=4.4, sd_ms=1.0), most=0.5) == ""
    assert guardrails.slower(quick, answers(mean_ms=12.0, sd_ms=1.0), most=0.5) != ""


def test_empty_answers_are_counted_by_person() -> None:
    assert guardrails.emptier(answers(), answers(empty=120), most=0.01) == (
        "6.0 % of people got an empty answer instead of 1.0 %; 1 points more were allowed"
    )
    assert guardrails.emptier(answers(), answers(empty=45), most=0.01) == ""
    assert guardrails.emptier(answers(empty=0), answers(empty=0), most=0.01) == ""
    assert guardrails.emptier(answers(asked=199), answers(empty=120), most=0.01) == ""


def test_different_items_are_compared_after_as_many_answers() -> None:
    control = [(1_000, 500), (4_000, 1_000), (16_000, 2_000)]

    # Between looks along a power: at 2,000 answers the root of 2 times what there was at 1,000.
    assert guardrails.items_at(control, 2_000) == pytest.approx(500 * 2**0.5)
    assert guardrails.items_at(control, 16_000) == 2_000
    assert guardrails.items_at(control, 500) == 250
    assert guardrails.narrower(control, [(2_000, 700)], most=0.5) == ""
    assert guardrails.narrower(control, [(4_000, 300)], most=0.5) == (
        "after 4,000 answers it had shown 300 different items where the control had shown 1,000; "
        "50 % fewer were allowed"
    )
    assert guardrails.narrower(control, [(4_000, 490)], most=0.5) == ""
    assert guardrails.narrower(control, [], most=0.5) == ""


def test_variants_that_do_no_harm_are_not_stopped_by_noise() -> None:
    rng = np.random.default_rng(1)
    stopped = 0
    for _ in range(300):
        times = 1_000 * rng.lognormal(1.0, 0.8, size=(2, 20_000))
        looks = [
            [Answers(n, part[:n].mean(), part[:n].std(), n, 0, 0) for part in times]
            for n in range(1_000, 20_001, 1_000)
        ]
        # As fast as each other, where hardly anything slower is allowed.
        stopped += any(guardrails.slower(*pair, most=0.01) for pair in looks)

    assert stopped <= 3
