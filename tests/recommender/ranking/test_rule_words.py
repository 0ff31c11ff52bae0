"""Rules in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from recommender.ranking import rule_words
from recommender.ranking.rule_words import Change
from recommender.ranking.rules import Boost, Fallback, Pin, Rules, SeenPolicy, Window

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TITLES = {"i1": "Heat"}


def when(at: datetime) -> str:
    return f"{at:%d.%m.%Y}"


def changes(before: Rules, after: Rules) -> list[Change]:
    return rule_words.changes(before, after, titles=TITLES, when=when)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (Rules(), "10 items; nothing else is set"),
        (Rules(length=1, pins=(Pin("i1", 1),)), "1 item; 1 pin"),
        (
            Rules(where="in_stock", max_per_category=2, pins=(Pin("i1", 1), Pin("i2", 2))),
            "10 items; only where in_stock; at most 2 of a category; 2 pins",
        ),
        (
            Rules(categories_in=("A", "B", "C", "D", "E"), categories_out=("F",)),
            "10 items; only A, B, C and 2 more; without F",
        ),
        (
            Rules(boosts=(Boost(2.0, category="A"), Boost(0.5, item_id="i1"), Boost(3.0, where="x"))),
            "10 items; 2 boosts; 1 burial",
        ),
        (
            Rules(seen=SeenPolicy.AFTER_DAYS, seen_days=1),
            "10 items; items that the person has used are shown again after 1 day",
        ),
        (Rules(diversity=0.5, novelty=0.1), "10 items; variety, little known items"),
    ],
)  # fmt: skip
def test_summary_names_what_is_set(rules: Rules, said: str) -> None:
    assert rule_words.summary(rules) == said


def test_changes_name_each_line_that_goes_and_comes() -> None:
    before = Rules(pins=(Pin("i1", 1), Pin("i2", 2)), length=10)
    after = Rules(
        pins=(Pin("i1", 3, Window(NOON, None)), Pin("i2", 2)), length=12, diversity=0.2,
        boosts=(Boost(2.0, category="Drama"), Boost(0.3, where="old", window=Window(None, NOON))),
    )  # fmt: skip

    assert changes(before, after) == [
        Change("How many", ("10 items",), ("12 items",)),
        Change("Pins", ("Heat at place 1",), ("Heat at place 3, from 04.03.2026",)),
        Change(
            "Boosts and burials",
            (),
            (
                "Drama counts twice as much",
                "What is old counts 0.3 times as much, until 04.03.2026",
            ),
        ),
        Change("Variety", ("As it comes",), ("Unlike items beside each other count a little",)),
    ]


def test_changes_of_order_show_the_whole_order() -> None:
    before = Rules(categories_in=("A", "B"))
    after = Rules(categories_in=("B", "A"))

    assert changes(before, after) == [Change("Only these categories", ("A", "B"), ("B", "A"))]


def test_same_rules_have_no_changes() -> None:
    rules = Rules(pins=(Pin("i1", 1),), fallbacks=())

    assert changes(rules, rules) == []


def test_fallbacks_are_numbered_and_none_is_said() -> None:
    said = rule_words.lines(Rules(fallbacks=(Fallback.TRENDING,)), titles={}, when=when)
    nothing = rule_words.lines(Rules(fallbacks=()), titles={}, when=when)

    assert said["fallbacks"] == ("1. What is rising now",)
    assert nothing["fallbacks"] == ("Nothing: the list stays short",)


def test_every_section_has_a_name() -> None:
    assert list(rule_words.lines(Rules(), titles={}, when=when)) == list(rule_words.SECTIONS)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("", ""), ("pin", "pinned"), ("burial", "buried"),
        ("fallback:popular_30d", "popular in the last 30 days"), ("fallback:else", "fallback"),
    ],
)  # fmt: skip
def test_what_placed_an_item(rule: str, said: str) -> None:
    assert rule_words.placed_by(rule) == said
