from __future__ import annotations

from dataclasses import replace

import pytest

from recommender.evaluation import verdicts
from recommender.evaluation.verdicts import Code, Seen, Situation

CONTROL = Seen("A", 5_000, 0.5, 0.1)
SITUATION = Situation(
    metric="clicks per item seen", variants=(CONTROL,), least_lift=0.05, is_interleaved=False, is_started=True,
    is_running=True, days=10.0, needed_people=19_000, people_per_week=4_000, sample_ratio_p=1.0,
)  # fmt: skip


def say(*variants: Seen, **changed: object) -> tuple[Code, str, int]:
    found = verdicts.verdict(replace(SITUATION, variants=(CONTROL, *variants), **changed))
    return found.code, found.text, found.best


def b(effect: float, low: float, high: float, name: str = "B") -> Seen:
    return Seen(name, 5_000, 0.5, 0.1, effect, low, high)


def test_a_better_variant() -> None:
    assert say(b(0.041, 0.02, 0.063)) == (
        Code.BETTER,
        "B brings 4.1 % more clicks per item seen than A (2.0 to 6.3); sure enough to decide.",
        1,
    )


def test_of_several_the_best_that_is_sure_is_named() -> None:
    code, text, best = say(b(0.04, 0.01, 0.07), b(0.2, -0.1, 0.5, "C"), b(0.06, 0.02, 0.1, "D"))

    assert (code, best) == (Code.BETTER, 3)
    assert text.startswith("D brings 6.0 % more clicks per item seen than A (2.0 to 10.0)")


def test_worse_variants_are_only_said_to_be_so_once_all_are() -> None:
    assert say(b(-0.041, -0.063, -0.02)) == (
        Code.WORSE,
        "B brings 4.1 % fewer clicks per item seen than A (2.0 to 6.3); sure enough to decide.",
        1,
    )
    assert say(b(-0.04, -0.06, -0.02), b(0.01, -0.1, 0.1, "C"))[0] == Code.EARLY


def test_no_difference_that_matters() -> None:
    assert say(b(0.005, -0.021, 0.031)) == (
        Code.SAME,
        (
            "B makes no difference that matters: between 2.1 % fewer and 3.1 % more clicks per item seen; "
            "sure enough to decide."
        ),
        1,
    )


def test_too_early_says_how_long_at_this_pace() -> None:
    assert say(b(0.03, -0.03, 0.09)) == (
        Code.EARLY,
        (
            "Too early: B is between 3.0 % fewer and 9.0 % more clicks per item seen. At this pace about 9 days "
            "more to be sure of 5 %."
        ),
        0,
    )
    assert say(b(0.03, -0.03, 0.09), needed_people=8_000)[1].endswith(
        "It has seen the 8,000 people that it was planned for, so the difference is likely smaller than the 5 % "
        "that would matter."
    )
    assert say(b(0.03, -0.03, 0.09), is_running=False)[1] == (
        "It ended too early to say: B is between 3.0 % fewer and 9.0 % more clicks per item seen."
    )
    assert say(Seen("B", 1, 0.5), needed_people=None)[1] == (
        "Too early: 5,001 people have been seen so far, too few of them with clicks."
    )


def test_shares_that_are_wrong_come_before_everything() -> None:
    code, text, _ = say(Seen("B", 4_600, 0.5, 0.1, 0.2, 0.1, 0.3), sample_ratio_p=0.00001)

    assert code == Code.UNTRUSTED
    assert text.startswith(
        "Do not trust it: 52.1 % of people got A where 50.0 % should; p < 0.0001."
    )


def test_a_draft_says_how_long_it_would_take() -> None:
    assert say(Seen("B", 0, 0.5), is_started=False, traffic=0.5) == (
        Code.DRAFT,
        (
            "To find a change of 5 % four times in five it needs about 19,000 people. 4,000 were seen here in the "
            "last seven days, so it takes about 66 days."
        ),
        0,
    )
    assert say(Seen("B", 0, 0.5), is_started=False, needed_people=None)[1].startswith(
        "How long it will take is not known"
    )


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (b(0.08, 0.02, 0.14), "People prefer B: it earned 54.0 % of the clicks (51.0 to 57.0)"),
        (b(-0.08, -0.14, -0.02), "People prefer A: it earned 54.0 % of the clicks (51.0 to 57.0)"),
        (b(0.08, -0.02, 0.18), "Too early: B earns between 49.0 and 59.0 % of the clicks."),
        (b(0.0, -0.02, 0.03), "People prefer neither list, as far as it would matter"),
    ],
)
def test_mixed_lists_are_preferred(seen: Seen, said: str) -> None:
    text = say(seen, is_interleaved=True, needed_people=None)[1]

    assert text.split(";")[0] == said
