"""Rules as data: what is written reads the same, what cannot be followed is refused with what would be right."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.ranking.rules import Boost, Fallback, Pin, Rules, RulesError, SeenPolicy, Window

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def test_rules_at_their_default_are_written_as_nothing():
    assert (Rules().to_plain(), Rules.from_plain({})) == ({}, Rules())


def test_rules_are_written_as_json_values():
    rules = Rules(
        length=5,
        where="price < 10",
        pins=(Pin("a", 1, Window(end=NEW_YEAR)),),
        boosts=(Boost(2.0, category="Drama"),),
        seen=SeenPolicy.ALWAYS,
        fallbacks=(Fallback.TRENDING,),
    )

    plain = rules.to_plain()

    window = {"begin": None, "end": None}
    assert plain == {
        "length": 5,
        "where": "price < 10",
        "pins": [{"item_id": "a", "rank": 1, "window": {"begin": None, "end": "2026-01-01T00:00:00+00:00"}}],
        "boosts": [{"factor": 2.0, "item_id": "", "category": "Drama", "where": "", "window": window}],
        "seen": "always",
        "fallbacks": ["trending"],
    }  # fmt: skip
    assert Rules.from_plain(plain) == rules


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ([], "rules: must be an object."),
        ({"lenght": 5}, "lenght: is not a rule."),
        ({"length": 0}, "length: must be a whole number from 1 to 200."),
        ({"length": True}, "length: must be a whole number from 1 to 200."),
        ({"diversity": float("nan")}, "diversity: must be a number from 0 to 1."),
        ({"where": "price <"}, "where: At character 8: a name, a text in quotes or a number must stand here, not the end."),
        ({"where": "a = '\ud800'"}, "where: holds half of a surrogate pair, which cannot be stored."),
        ({"categories_in": [""]}, "categories_in[0]: must be the name of a category."),
        ({"seen": "sometimes"}, "seen: must be one of never, after_days, always."),
        ({"pins": [{"item_id": "a"}]}, "pins[0]: needs an item_id and a rank."),
        ({"pins": [{"item_id": "a", "rank": 1, "x": 1}]}, "pins[0]: has no x; it has item_id, rank, window."),
        ({"boosts": [{"factor": 2}]}, "boosts[0]: needs exactly one of item_id, category and where."),
        ({"boosts": [{"factor": 2, "where": "("}]},
         "boosts[0].where: At character 2: a name, a text in quotes or a number must stand here, not the end."),
        ({"fallbacks": ["popular", "popular"]}, "fallbacks: must name each only once."),
        ({"pins": [{"item_id": "a", "rank": 1}, {"item_id": "b", "rank": 1}]},
         ("pins[1].rank: is that of pins[0] too, at the same time. "
         "Keep one of them, or give them windows that do not meet.")),
        ({"pins": [{"item_id": "a", "rank": 1}, {"item_id": "a", "rank": 2}]},
         ("pins[1].item_id: is that of pins[0] too, at the same time. "
         "Keep one of them, or give them windows that do not meet.")),
        ({"pins": [{"item_id": "a", "rank": 1, "window": {"begin": "2026-01-01"}}]},
         "pins[0].window.begin: must say its time zone, such as 2026-03-04T12:00:00+00:00."),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused(plain, message):
    with pytest.raises(RulesError) as caught:
        Rules.from_plain(plain)

    assert str(caught.value) == message


def test_two_pins_may_share_a_place_at_different_times():
    until = {"item_id": "a", "rank": 1, "window": {"end": NEW_YEAR.isoformat()}}
    after = {"item_id": "b", "rank": 1, "window": {"begin": NEW_YEAR.isoformat()}}

    assert [pin.item_id for pin in Rules.from_plain({"pins": [until, after]}).pins] == ["a", "b"]


def test_windows_hold_from_their_begin_to_before_their_end():
    window = Window(begin=NEW_YEAR, end=NEW_YEAR.replace(month=2))

    assert [window.holds(NEW_YEAR.replace(month=month)) for month in (1, 2)] == [True, False]
    assert window.holds(NEW_YEAR.replace(year=2025)) is False
    assert Window().holds(NEW_YEAR) is True


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*Rules.__dataclass_fields__, "x"]), JSON, max_size=4) | JSON
)
def test_any_json_is_read_or_refused(plain):
    try:
        rules = Rules.from_plain(plain)
    except RulesError:
        return
    assert Rules.from_plain(rules.to_plain()) == rules
