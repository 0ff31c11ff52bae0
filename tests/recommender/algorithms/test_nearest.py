"""Neighbourhoods against dense calculations, under every measure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender import algorithms
from recommender.algorithms import matrices, similarities
from recommender.algorithms.decayed import UserKNNDecayed
from recommender.algorithms.nearest import NearestSettings, UserKNN
from recommender.algorithms.protocol import CannotFit
from tests.recommender.algorithms.test_similarities import PLAIN
from tests.recommender.logs import drawn_log, log_of

MEASURES = {
    "": "cosine",
    "_adjusted": "adjusted cosine",
    "_pearson": "pearson",
    "_jaccard": "jaccard",
    "_euclidean": "euclidean",
    "_manhattan": "manhattan",
}
EACH = pytest.mark.parametrize("ending", MEASURES)
EACH_OF_ITEMS = pytest.mark.parametrize("ending", list(MEASURES)[1:])


def fit(name, log, *settings):
    return algorithms.make(name).fit(log, settings=NearestSettings(*settings), seed=0)


def alike(rows, others, means, *, measure, num_neighbours, skipped):
    """Compare rows pair by pair, and keep the nearest of each; `skipped`: row -> who is not asked."""
    found = np.zeros((len(rows), len(others)))
    for place, row in enumerate(rows):
        for other in np.flatnonzero(others @ row):
            if other != skipped[place]:
                found[place, other] = max(PLAIN[measure](row, others[other], means), 0)
    lowest = np.sort(found, axis=1)[:, -num_neighbours, None]
    return np.where(found >= lowest - 1e-6, found, 0)


@pytest.fixture(scope="module")
def log():
    return drawn_log(num_events=500)


@EACH
@pytest.mark.parametrize("discount", [0.0, 0.5])
def test_end_users_like_who_asks_add_up_what_they_chose(ending, discount, log):
    users = np.array([3, 7, 59], np.int32)

    scores = fit(f"user_knn{ending}", log, 5, 0.0, None, discount).scores(log, users=users)

    chosen = matrices.choices(log).toarray().astype(float)
    counts = chosen.sum(axis=0)
    near = alike(
        chosen[users], chosen, chosen.mean(axis=0),
        measure=MEASURES[ending], num_neighbours=5, skipped=users,
    )  # fmt: skip
    expected = near @ (chosen / np.maximum(counts, 1) ** discount)
    expected[:, counts == 0] = -np.inf
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


@EACH_OF_ITEMS
@pytest.mark.parametrize("discount", [0.0, 0.5])
def test_items_like_those_chosen_are_added_up(ending, discount, log, monkeypatch):
    monkeypatch.setattr("recommender.algorithms.nearest.BLOCK_CELLS", 200)  # several blocks
    users = np.array([3, 7, 59], np.int32)

    scores = fit(f"item_knn{ending}", log, 5, 0.0, None, discount).scores(log, users=users)

    chosen = matrices.choices(log).toarray().astype(float)
    counts = chosen.sum(axis=0)
    near = alike(
        chosen.T, chosen.T, chosen.mean(axis=1),
        measure=MEASURES[ending], num_neighbours=5, skipped=np.arange(log.num_items),
    )  # fmt: skip
    expected = chosen[users] @ (near / np.maximum(counts, 1) ** discount)
    expected[:, counts == 0] = -np.inf
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


def test_with_a_half_life_late_choices_find_the_neighbours():
    # Bob shares what ann chose first, cem what she chose last.
    log = log_of(
        [("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1), ("bob", "c", 1), ("cem", "b", 1), ("cem", "d", 1)]
    )  # fmt: skip
    ann = np.array([0], np.int32)

    [[_, _, c, d]] = fit("user_knn", log, 5, 0.0, 1.0).scores(log, users=ann).tolist()

    # Her vector is (1/2, 1), theirs have two ones each; only one of them is shared.
    assert c == pytest.approx(0.5 / np.sqrt(1.25 * 2))
    assert d == pytest.approx(1 / np.sqrt(1.25 * 2))


@pytest.mark.parametrize("side", ["user", "item"])
def test_ratings_tell_friends_from_foes(side):
    # Ann and bob agree, cem thinks the contrary of both; all saw the same but for what bob and cem love.
    rows = [(who, item, day) for who in ("ann", "bob", "cem") for day, item in enumerate("abc", 1)]
    log = log_of([*rows, ("bob", "d", 9), ("cem", "e", 9)])
    values = [5, 1, 2] + [5, 1, 2, 5] + [1, 5, 4, 5]  # ann's, bob's, cem's
    log = replace(log, values=np.array(values, np.float32))
    ann = np.array([0], np.int32)

    rated = fit(f"{side}_knn_pearson", log, 5, 0.0, None, 0.0, True).scores(log, users=ann)[0]
    chosen = fit(f"{side}_knn_pearson", log, 5, 0.0).scores(log, users=ann)[0]

    assert chosen[3] == pytest.approx(chosen[4])
    assert (rated[3] > rated[4]) == (side == "user")


def test_without_ratings_the_weights_of_kinds_are_compared():
    # Bob refused what ann refused; cem chose it.
    log = log_of(
        [
            ("ann", "a", 1), ("ann", "b", 2, "dislike"), ("bob", "a", 1), ("bob", "b", 2, "dislike"),
            ("bob", "c", 3), ("cem", "a", 1), ("cem", "b", 2), ("cem", "d", 3),
        ]
    )  # fmt: skip
    ann = np.array([0], np.int32)

    fitted = fit("user_knn_pearson", log, 5, 0.0, None, 0.0, True)

    assert fitted.preparation.content == similarities.CHOICES
    # (1, -1, 0, 0) and (1, -1, 1, 0): 2 less the means over √2 and √(3 - 1/4). With cem ann shares nothing.
    assert fitted.scores(log, users=ann)[0].tolist() == [
        *[pytest.approx(2 / np.sqrt(2 * (3 - 1 / 4)), rel=1e-5)],
        *[0.0, pytest.approx(2 / np.sqrt(2 * (3 - 1 / 4)), rel=1e-5), 0.0],
    ]


def test_settings_that_differ_in_the_half_life_and_the_discount_share_the_similarities(log):
    algorithm = algorithms.make("item_knn_jaccard")

    first, second, third, fourth = (
        algorithm.fit(log, settings=NearestSettings(*own), seed=0)
        for own in ((10, 0.0), (10, 0.0, 2.0), (10, 0.0, None, 0.5), (10, 5.0))
    )

    assert first.similarities is second.similarities
    assert third.similarities is not first.similarities
    assert [each.shared_seconds > 0 for each in (first, second, third, fourth)] == [
        False, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "rows", "words"),
    [
        (NearestSettings(), [("ann", "a", 1, "dislike")], "user_knn needs at least one"),
        (NearestSettings(0), [("ann", "a", 1)], "at least 1 neighbour"),
        (NearestSettings(shrinkage=-1.0), [("ann", "a", 1)], "a shrinkage of 0 or more"),
        (NearestSettings(discount=2.0), [("ann", "a", 1)], "a discount from 0 to 1"),
        (NearestSettings(has_ratings=True), [("ann", "a", 1)], "compares choices only"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(settings, rows, words):
    with pytest.raises(CannotFit, match=words):
        UserKNN().fit(log_of(rows), settings=settings, seed=0)


@pytest.mark.parametrize("algorithm", [UserKNN(), UserKNNDecayed()])
def test_whoever_asks_is_no_neighbour_of_his_own_however_the_histories_number_people(algorithm):
    log = log_of(
        [("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1), ("bob", "c", 2), ("cat", "b", 1), ("cat", "d", 2)]
    )  # fmt: skip
    fitted = algorithm.fit(log, settings=algorithm.grid()[0], seed=0)
    together = fitted.scores(log, users=np.arange(3, dtype=np.int32))

    # Of cat alone, who is then number 0: ann's number in the fit.
    alone = log.take(log.users == 2)
    alone = alone.of_people(np.array([2]), users=np.zeros(2, int))

    scores = fitted.scores(alone, users=np.array([0], np.int32))
    np.testing.assert_array_equal(scores, together[2:])
    # Ann shares b with cat, and brings a; what only cat chose is brought by nobody.
    assert (scores[0] > 0).tolist() == [True, True, False, False]


def test_who_was_not_there_at_the_fit_takes_nobody_out():
    log = log_of([("ann", "a", 1), ("ann", "b", 2), ("bob", "c", 1)])
    fitted = UserKNN().fit(log, settings=NearestSettings(), seed=0)
    other = log.take(log.users == 0).of_people(
        np.array([0]), users=np.zeros(2, int), user_ids=np.array(["zoe"], object)
    )

    scores = fitted.scores(other, users=np.array([0], np.int32))[0]

    assert (scores > 0).tolist() == [True, True, False]
