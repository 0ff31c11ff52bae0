"""Where an expression cannot be read, and what it asks for."""

from __future__ import annotations

import pytest

from recommender.ranking import expression_words
from recommender.ranking.expression_words import Mark


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("", None),
        ("price < 10", None),
        ("price ! 10", Mark("price ", "!", " 10")),
        ("price <", Mark("price <", " ", "")),
    ],
)
def test_mark_is_where_it_cannot_be_read(text: str, mark: Mark | None) -> None:
    assert expression_words.mark(text) == mark


def test_names_are_those_of_attributes() -> None:
    text = 'not (price < 10 or category in ("a")) and `release year` exists and brand = "x" and new'

    assert expression_words.names(text) == ["brand", "new", "price", "release year"]


def test_names_of_what_cannot_be_read() -> None:
    assert expression_words.names("price <") == []
