"""Words of items, and what they weigh."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfTransformer

from interests.datasets.log import Catalogue
from recommender.algorithms import texts

FILMS = Catalogue.build(
    item_ids=["1", "2", "3", "4"],
    titles=["Star Wars (1977)", "Star Trek, the Star (1979)", "2001: A Space Odyssey (1968)", ""],
    categories=[["Space"], ["Space", "Crew"], ["Space"], []],
)


def test_words_are_those_of_two_items_the_most_frequent_first():
    words = texts.words_of(FILMS)

    assert words.names == ("category:Space", "star")
    assert words.counts.toarray().tolist() == [[1, 1], [1, 2], [1, 0], [0, 0]]
    assert words.num_items_with.tolist() == [3, 2]


def test_words_of_descriptions_count_as_those_of_titles_do():
    described = Catalogue.build(
        item_ids=["1", "2"], titles=["Star Wars", "Trek"], descriptions=["", "a star, a STAR"]
    )

    words = texts.words_of(described)

    assert words.names == ("star",)
    assert words.counts.toarray().tolist() == [[1], [2]]


def test_rare_words_weigh_more():
    words = texts.words_of(FILMS)

    assert texts.rareness(words).tolist() == [
        pytest.approx(math.log(5 / 4) + 1),
        pytest.approx(math.log(5 / 3) + 1),
    ]


def test_tf_idf_agrees_with_scikit_learn():
    words = texts.words_of(FILMS)

    theirs = TfidfTransformer().fit_transform(words.counts).toarray()
    np.testing.assert_allclose(texts.tf_idf(words).toarray(), theirs, rtol=1e-6)


def test_the_last_year_of_a_title_counts():
    assert texts.years(FILMS).tolist() == [1977, 1979, 1968, texts.NO_YEAR]


def test_a_catalogue_without_words_has_none():
    words = texts.words_of(Catalogue.build(item_ids=["a", "b"]))

    assert words.names == ()
    assert words.counts.shape == (2, 0)
