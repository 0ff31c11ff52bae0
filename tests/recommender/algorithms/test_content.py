"""Profiles and what is like them, worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from interests.datasets.log import Catalogue
from recommender.algorithms import content, make
from recommender.algorithms.content import ContentSettings, Item2VecSettings
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import log_of

TITLES = {
    "a": "red round",
    "b": "red square",
    "c": "blue square",
    "d": "blue round",
    "new": "red red",
    "odd": "",
}
# b was chosen most, then c.
ROWS = [("ann", "a", 1), ("bob", "b", 1), ("bob", "c", 2), ("cem", "b", 1), ("dan", "c", 1)]
ROWS += [("eva", "b", 1), ("eva", "d", 2), ("eva", "odd", 3)]


def described(rows=ROWS):
    log = log_of(rows, item_ids=list(TITLES))
    return replace(
        log, catalogue=Catalogue.build(item_ids=list(TITLES), titles=list(TITLES.values()))
    )


def scores_of(user, rows=ROWS, name="bag_of_words", **settings):
    log = described(rows)
    fitted = make(name).fit(log, settings=ContentSettings(**settings), seed=0)
    place = log.user_ids.tolist().index(user)
    return fitted.scores(log, users=np.array([place], np.int32))[0].tolist()


def test_items_with_the_same_words_come_first_those_that_nobody_chose_too():
    # Ann chose a: red and round.
    assert scores_of("ann") == [
        pytest.approx(1, abs=1e-6),
        pytest.approx(0.5),
        0.0,
        pytest.approx(0.5),
        pytest.approx(1 / math.sqrt(2)),
        0.0,
    ]


def test_a_profile_is_the_mean_and_what_was_spoken_against_counts_below_zero():
    rows = [*ROWS, ("ann", "d", 2, "dislike")]

    found = scores_of("ann", rows, half_life=None)

    # (red + round - blue - round) / 2
    assert found[:4] == [
        pytest.approx(0.5), pytest.approx(0.5), pytest.approx(-0.5), pytest.approx(-0.5),
    ]  # fmt: skip


def test_with_a_half_life_the_last_choice_counts_double():
    log = described([("ann", "a", 1), ("ann", "c", 2), ("ann", "b", 3, "dislike"), ("ann", "a", 4)])

    found = content.signed_choices(log, users=np.array([0], np.int32), half_life=1)

    # Of two events on a the last counts: 1; c was two events before it, b one.
    assert found.toarray()[0].tolist() == [
        pytest.approx(1 / 1.75), pytest.approx(-0.5 / 1.75), pytest.approx(0.25 / 1.75), 0, 0, 0,
    ]  # fmt: skip


def test_top_n_puts_the_most_chosen_of_the_likest_first():
    # The two likest to red and round are a (one event) and the new one.
    found = scores_of("ann", generation="top_n", size=2)

    assert np.argsort(found)[::-1][:2].tolist() == [0, 4]
    assert found[0] == pytest.approx(2 + 1 + 1 / 4)
    assert found[4] == pytest.approx(2 + 0 + 1 / math.sqrt(2) / 4)
    assert found[1] == pytest.approx(0.5)


def test_threshold_puts_the_most_chosen_of_those_that_are_like_enough_first():
    found = scores_of("ann", generation="threshold", least=0.49)

    # b has three events, a and d one, the new one none; c and the one without words are behind.
    assert np.argsort(found)[::-1][:4].tolist() == [1, 0, 3, 4]
    assert found[2] == found[5] == 0.0


def test_pearson_and_euclid_rank_by_their_own_measure():
    # Of four words: mean 1/2; red round is the opposite of blue square.
    assert scores_of("ann", similarity="pearson")[:4] == [
        pytest.approx(1, abs=1e-6), pytest.approx(0, abs=1e-6), pytest.approx(-1, abs=1e-6),
        pytest.approx(0, abs=1e-6),
    ]  # fmt: skip
    assert scores_of("ann", similarity="euclidean")[:3] == [
        pytest.approx(1, abs=1e-3), pytest.approx(1 / (1 + math.sqrt(2))), pytest.approx(1 / 3),
    ]  # fmt: skip


def test_whose_items_have_no_words_gets_what_most_choose():
    rows = [*ROWS, ("fay", "odd", 1)]

    assert scores_of("fay", rows) == [1.0, 3.0, 2.0, 1.0, -math.inf, 2.0]


@pytest.mark.parametrize("name", ["tfidf", "word_embeddings"])
def test_words_that_mean_the_same_bring_their_items_near(name):
    log = described()
    fitted = make(name).fit(log, settings=make(name).grid()[0], seed=0)

    found = fitted.scores(log, users=np.array([0], np.int32))[0]

    assert found[0] > found[2]
    assert np.isfinite(found[4])


def test_items_together_in_histories_are_counted_within_the_window():
    log = described([("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 3), ("bob", "c", 1)])

    near = content.together_in_histories(log, window=1).toarray()[:3, :3]
    far = content.together_in_histories(log, window=2).toarray()[:3, :3]

    assert near.tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    assert far.tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]


def test_item2vec_knows_company_and_nothing_of_new_items():
    rows = [(f"u{number}", item, day) for number in range(6) for day, item in enumerate("abc")]
    rows += [
        (f"v{number}", item, day) for number in range(6) for day, item in enumerate(["d", "odd"])
    ]
    log = described([*rows, ("zoe", "a", 1)])
    fitted = make("item2vec").fit(log, settings=Item2VecSettings(width=4), seed=0)

    found = fitted.scores(log, users=np.array([12], np.int32))[0]

    # b and c were chosen with the same others as a; d and the odd one never.
    assert min(found[1], found[2]) > 0.1 > max(abs(found[3]), abs(found[5]))
    assert np.isneginf(found[4])


def test_a_catalogue_without_shared_words_says_what_to_bring():
    log = replace(described(), catalogue=Catalogue.build(item_ids=list(TITLES)))

    with pytest.raises(CannotFit, match="Bring titles, descriptions or categories"):
        make("tfidf").fit(log, settings=ContentSettings(), seed=0)


@pytest.mark.parametrize("wrong", [{"similarity": "x"}, {"generation": "x"}, {"size": 0}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(CannotFit, match="bag_of_words"):
        make("bag_of_words").fit(described(), settings=ContentSettings(**wrong), seed=0)
