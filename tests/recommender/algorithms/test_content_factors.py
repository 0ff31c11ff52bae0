"""New items: vectors told from words, how many will choose them, and where the best of them stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from interests.datasets.log import Catalogue
from recommender.algorithms import content_factors, make, prospects, texts
from recommender.algorithms.content_factors import ContentFactorsSettings
from tests.recommender.logs import DAY, drawn_log, log_of


def told():
    """Draw a log with items 30 to 39 new: five of either half by their titles."""
    log = drawn_log(num_items=40, num_events=1200)
    items = np.where(log.items % 20 >= 15, log.items - 15, log.items).astype(np.int32)
    return replace(log, items=items)


def test_a_new_item_gets_the_vector_that_its_words_teach():
    words = texts.words_of(
        Catalogue.build(item_ids=list("abcde"), titles=["x x", "x", "y", "y", "x"])
    )
    directions = np.array([[2.0], [2.0], [-1.0], [-1.0]], np.float32)

    found = content_factors.mapped(words, known=np.arange(4), directions=directions)

    # Ridge by hand: features x, y and 1, with 3 added to the diagonal.
    rows = np.array([[1, 0, 1], [1, 0, 1], [0, 1, 1], [0, 1, 1]], float)
    weights = np.linalg.solve(rows.T @ rows + 3 * np.eye(3), rows.T @ directions)
    assert found[4, 0] == pytest.approx(weights[0, 0] + weights[2, 0], rel=1e-5)
    assert found[4, 0] > 0 > found[2, 0]


def test_people_get_the_new_items_of_the_half_they_like_first():
    log = told()
    new = np.flatnonzero(np.bincount(log.items, minlength=40) == 0)
    algorithm = make("content_factors")
    fitted = algorithm.fit(log, settings=ContentFactorsSettings(taste=5.0), seed=0)
    users = np.arange(log.num_users, dtype=np.int32)

    best = new[fitted.scores(log, users=users)[:, new].argmax(axis=1)]

    assert len(new) == 10
    assert ((best >= 20) == (users % 2 == 1)).mean() > 0.9


@pytest.mark.parametrize("place", [1, 4])
def test_the_best_new_item_stands_at_its_place(place):
    new = np.array([[0.5, 2.0, 1.0]], np.float32)
    known = np.array([[9.0, 7.0, -np.inf, 5.0, 3.0, 1.0]], np.float32)

    found = content_factors._placed(new, known, place=place)[0]

    assert found[1] == {1: 9.0, 4: 3.0}[place]
    # One standard deviation among the new is one among the known.
    step = np.std([9, 7, 5, 3, 1])
    assert found.tolist() == pytest.approx([found[1] - 1.5 * step, found[1], found[1] - step])


def test_where_nothing_is_left_of_the_known_ones_new_items_are_ranked_all_the_same():
    new, known = np.array([[0.5, 2.0]], np.float32), np.full((1, 3), -np.inf, np.float32)

    found = content_factors._placed(new, known, place=2)[0]

    assert found[1] == 0 > found[0]


def test_the_fame_of_words_by_hand():
    # Items 0 and 1 share a word, 2 and 3 another; item 3 is new.
    stands = sparse.csr_array(np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32))

    found = prospects.fame(stands, counts=np.array([7, 7, 0, 0]))
    mixed = prospects.fame(stands, counts=np.array([7, 7, 1, 0]))

    assert found.tolist() == [[0.0, 0.0]] * 4  # all chosen ones are alike
    logs = np.log1p([7, 7, 1])
    excess = (logs[2] - logs.mean()) / (1 + prospects.SHRINKAGE)
    assert mixed[3].tolist() == [0.0, pytest.approx(excess, rel=1e-5)]
    above = 2 * (logs[0] - logs.mean()) / (2 + prospects.SHRINKAGE)
    assert mixed[0].tolist() == [pytest.approx(above, rel=1e-5)] * 2


def test_items_as_young_as_those_that_were_chosen_when_new_are_expected_to_be_chosen():
    # Every year three films of the year are chosen for the first time, ten times each, and never an old one.
    year = 365.25 * DAY
    rows, ids, titles = [], [], []
    for number in range(30):
        for film in range(3):
            ids.append(f"film {number} {film}")
            titles.append(f"A film ({1980 + number})")
            if number < 28:
                rows += [
                    (f"u{who}", ids[-1], (10 + number + 0.5) * year / DAY) for who in range(10)
                ]
    ids += [f"old {number}" for number in range(20)]
    titles += [f"A film ({1950 + number})" for number in range(20)]
    log = log_of(rows, item_ids=ids)
    log = replace(log, catalogue=Catalogue.build(item_ids=ids, titles=titles))

    found = prospects.prospects(log, words=texts.words_of(log.catalogue))

    assert found[84:87].min() > 1 > found[90:].max()


def test_a_log_of_one_moment_has_no_past_to_learn_from():
    log = log_of([("ann", "a", 1), ("bob", "b", 1)], item_ids=["a", "b", "c"])

    found = prospects.prospects(log, words=texts.words_of(log.catalogue))

    assert found.tolist() == [0.0, 0.0, 0.0]
