"""The language says what is meant, refuses the rest with advice, and never fails on an item."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.ranking.expression_nodes import (
    Both,
    Comparison,
    Constant,
    Exists,
    Name,
    Not,
    Now,
    OneOf,
    Truth,
)
from recommender.ranking.expressions import Expression, ExpressionError, Facts, parse

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
BOOK = Facts(
    item_id="b1",
    title="A Love Story",
    categories=("Drama", "Classics"),
    created_at=NOW - timedelta(days=10),
    attributes={
        "price": 12.5,
        "pages": "300",
        "tags": ["new", "signed"],
        "in_stock": True,
        "brand": None,
        "released": "2026-03-01",
        "release year": 1990,
    },
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("price < 20", True),
        ("price >= 12.5 and price <= 12.5", True),
        ("price > 12.5", False),
        ("pages > 90", True),  # a number that a file gave as text
        ("pages = 300", True),
        ("in_stock", True),
        ("not in_stock", False),
        ('in_stock = "TRUE"', True),
        ('category = "Drama"', True),
        ('category != "Drama"', False),
        ('category in ("Comedy", "Classics")', True),
        ('category not in ("Comedy", "Crime")', True),
        ('tags has "new"', True),
        ('tags has "ne"', False),
        ('tags contains "ne"', True),
        ('title contains "love"', True),
        ("brand exists", False),
        ("brand = null", True),
        ("price != null", True),
        ('brand != "Acme"', False),  # nothing compares with what is missing
        ('not brand = "Acme"', True),
        ("unheard_of > 1 or price > 1", True),
        ("created_at > now - 30d", True),
        ("created_at > now-9d", False),
        ('created_at < "2026-02-23"', True),
        ("released > now - 1w", True),
        ("`release year` < 2000", True),
        ('item_id = "b1"', True),
        ("title < 5", False),  # a text is neither less nor more than a number
        ("price = true", False),
        ("true", True),
        ("price < 1 and price < 2 or in_stock", True),
        ("price < 1 and (price < 2 or in_stock)", False),
    ],
)
def test_what_an_expression_says_of_an_item(text, holds):
    assert parse(text).holds(BOOK, now=NOW) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("price <", "At character 8: a name, a text in quotes or a number must stand here, not the end."),
        ("price 5", 'At character 7: "5" does not fit here; join comparisons with `and` or `or`.'),
        ('brand = "Acme', 'At character 9: this " is never closed; write a second one where the text ends.'),
        ("(price < 5", "At character 11: a bracket is still open; write ) before the end."),
        ("price > null", "At character 9: nothing is > null; write `exists`, `= null` or `!= null`."),
        ("tags in 5", 'At character 9: after `in` stands a list such as ("a", "b"), not "5".'),
        ("created_at > now - 3", 'At character 20: a length of time such as 30d or 12h must stand here, not "3".'),
        ("a ! b", 'At character 3: "not" is written `not`, "not equal" `!=`.'),
        ("5", "At character 2: a comparison such as = or < must follow, not the end."),
        ("a; b", 'At character 2: ";" means nothing here; texts stand in quotes, names with blanks in backquotes.'),
        ("price < 1e999", 'At character 9: "1e999" is too large a number.'),
        ("x" * 2_001, "At character 2001: an expression has 2,000 characters at most, not 2,001."),
        ("(" * 40 + "a" + ")" * 40, "At character 32: brackets and `not` may stand 30 deep at most; make it simpler."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_advice(text, message):
    with pytest.raises(ExpressionError) as caught:
        parse(text)

    assert str(caught.value) == message


def test_the_time_at_which_an_answer_changes_by_itself():
    expression = parse('created_at > now - 30d and released < now + 2d and title != "x"')

    assert expression.next_flip(BOOK, now=NOW) == BOOK.created_at + timedelta(days=30)
    assert expression.next_flip(BOOK, now=NOW + timedelta(days=30)) is None


# --- anything at all ------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.one_of(
    st.sampled_from(["price", "title", "category", "created_at", "and", "Now", "not"]),
    TEXTS.filter(lambda text: text and "`" not in text),
).map(Name)
LITERALS = st.one_of(
    TEXTS, st.booleans(), st.integers(-(10**12), 10**12), st.floats(-1e9, 1e9, allow_nan=False)
).map(Constant)
NULL = st.just(Constant(None))
OPERANDS = st.one_of(NAMES, LITERALS, st.integers(-(10**6), 10**6).map(Now))
SIMPLE = st.one_of(
    st.builds(Comparison, OPERANDS, st.sampled_from(["=", "!="]), OPERANDS | NULL),
    st.builds(Comparison, OPERANDS, st.sampled_from(["<", "<=", ">", ">=", "has", "contains"]), OPERANDS),
    st.builds(OneOf, OPERANDS, st.lists(LITERALS, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(Exists, OPERANDS),
    st.builds(Truth, NAMES),
)  # fmt: skip


def wider(parts):
    both = [
        st.lists(parts, min_size=2, max_size=3).map(
            lambda found, word=word: Both(word, tuple(found))
        )
        for word in ("and", "or")
    ]
    return st.one_of(st.builds(Not, parts), *both)


EXPRESSIONS = st.recursive(SIMPLE, wider, max_leaves=6).map(Expression)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), TEXTS,
        st.sampled_from(["12.5", "true", "2026-03-01", "9999-12-31T23:59:59+00:00", "NaN"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS)
def test_an_expression_written_out_reads_the_same(expression):
    assert parse(str(expression)) == expression


@settings(max_examples=400, deadline=None)
@given(
    EXPRESSIONS,
    st.dictionaries(st.sampled_from(["price", "x"]) | TEXTS, VALUES, max_size=4),
    st.none() | st.datetimes(timezones=st.just(UTC)),
)
def test_an_expression_never_fails_whatever_the_item(expression, attributes, created_at):
    names = tuple(str(value) for value in attributes)[:2]
    facts = Facts("i", "", names, created_at, attributes)

    assert expression.holds(facts, now=NOW) in (True, False)
    flip = expression.next_flip(facts, now=NOW)
    assert flip is None or flip >= NOW


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        parse(text)
    except ExpressionError as error:
        assert 1 <= error.position <= len(text) + 1
