"""Numbers worked out by hand, then properties, then another library's word."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from recommender.evaluation import metrics

INF = math.inf


def measure(top: list[list[int]], targets: list[list[int]]) -> dict[str, list[float]]:
    rows = np.repeat(np.arange(len(targets)), [len(own) for own in targets])
    items = np.array([item for own in targets for item in own], np.int32)
    found = metrics.per_user(np.array(top, np.int32), rows=rows, items=items)
    return {name: values.tolist() for name, values in found.items()}


def test_one_target_in_second_place():
    found = measure([[7, 3, 5]], [[3]])

    assert found["recall"] == [1.0]
    assert found["precision"] == [pytest.approx(1 / 3)]
    assert found["ndcg"] == [pytest.approx(1 / math.log2(3))]
    assert found["map"] == [0.5]
    assert found["mrr"] == [0.5]


def test_two_of_three_targets_in_places_one_and_three():
    found = measure([[1, 9, 2]], [[1, 2, 4]])

    assert found["recall"] == [pytest.approx(2 / 3)]
    assert found["precision"] == [pytest.approx(2 / 3)]
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert found["ndcg"] == [pytest.approx((1 + 1 / 2) / ideal)]
    assert found["map"] == [pytest.approx((1 + 2 / 3) / 3)]
    assert found["mrr"] == [1.0]


def test_map_and_ndcg_ask_for_no_more_targets_than_places():
    found = measure([[1, 2]], [[1, 2, 3, 4]])

    assert (found["map"], found["ndcg"], found["recall"]) == ([1.0], [1.0], [0.5])


def test_missing_places_are_misses():
    found = measure([[4, -1, -1], [-1, -1, -1]], [[4], [4]])

    assert found["precision"] == [pytest.approx(1 / 3), 0.0]
    assert found["recall"] == [1.0, 0.0]
    assert found["mrr"] == [1.0, 0.0]


def test_coverage_counts_different_items_of_the_fitted_catalogue():
    top = np.array([[0, 1], [1, 2], [-1, -1]], np.int32)

    assert metrics.coverage(top, is_counted=np.ones(12, bool)) == 0.25


def test_coverage_is_never_above_1_where_new_items_are_listed_too():
    top = np.array([[0, 1, 2], [3, 4, -1]], np.int32)
    is_counted = np.array([True, True, False, False, False, False])

    assert metrics.coverage(top, is_counted=is_counted) == 1.0
    assert metrics.coverage(top[1:], is_counted=is_counted) == 0.0
    assert metrics.coverage(top, is_counted=np.zeros(6, bool)) == 0.0


def test_a_user_without_a_target_is_refused():
    with pytest.raises(AssertionError):
        metrics.per_user(np.zeros((2, 1), np.int32), rows=np.array([0]), items=np.array([0]))


def test_top_items_leave_out_what_is_ruled_out_and_pad():
    scores = np.array([[1, -INF, 3, -2], [-INF, -INF, -INF, 0]], np.float32)

    top = metrics.top_items(scores, k=6, ties=np.arange(4))

    assert top.tolist() == [[2, 0, 3, -1, -1, -1], [3, -1, -1, -1, -1, -1]]


def test_equal_scores_are_ranked_by_the_drawn_order_not_by_place():
    scores = np.array([[0.0, 5.0, -0.0, 0.0]], np.float32)

    top = metrics.top_items(scores, k=3, ties=np.array([1, 0, 3, 2]))

    assert top.tolist() == [[1, 2, 3]]


def test_equal_scores_favour_no_place_in_the_catalogue():
    scores = np.zeros((1, 100), np.float32)

    firsts = [
        metrics.top_items(scores, k=1, ties=metrics.tie_order(100, seed=seed))[0, 0]
        for seed in range(400)
    ]

    assert 44 < np.mean(firsts) < 55
    assert firsts[0] == metrics.top_items(scores, k=1, ties=metrics.tie_order(100, seed=0))[0, 0]


def test_nan_is_refused():
    with pytest.raises(AssertionError, match="NaN"):
        metrics.top_items(np.array([[np.nan]], np.float32), k=1, ties=np.arange(1))


scores_of_12 = st.lists(
    st.floats(-100, 100, width=32) | st.just(-INF) | st.integers(-2, 2).map(float),
    min_size=12,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(values=scores_of_12, k=st.integers(1, 15), seed=st.integers(0, 5))
def test_top_items_are_those_of_a_plain_sort(values, k, seed):
    scores = np.array([values], np.float32)
    ties = metrics.tie_order(12, seed=seed)

    top = metrics.top_items(scores, k=k, ties=ties)[0]

    order = sorted(range(12), key=lambda item: (-scores[0, item], -ties[item]))
    expected = [item for item in order if scores[0, item] > -INF][:k]
    assert top.tolist() == expected + [-1] * (k - len(expected))


@settings(max_examples=100, deadline=None)
@given(
    order=st.permutations(range(8)),
    targets=st.sets(st.integers(0, 7), min_size=1),
    k=st.integers(1, 8),
)
def test_measures_stay_in_bounds_and_a_perfect_list_scores_one(order, targets, k):
    own = sorted(targets)
    perfect = [*own, *(item for item in range(8) if item not in targets)][:k]

    found = measure([order[:k], perfect], [own, own])

    for name, values in found.items():
        assert 0 <= values[0] <= values[1] + 1e-12, name
    assert found["ndcg"][1] == pytest.approx(1)
    assert found["map"][1] == pytest.approx(1)
    assert found["mrr"][1] == 1


def drawn_questions(*, k: int, num_targets: float) -> tuple[np.ndarray, np.ndarray, dict]:
    """Return random scores, which items are targets, and our measures of the best k."""
    random = np.random.default_rng(3)
    scores = random.normal(size=(50, 30)).astype(np.float32)
    relevant = random.random((50, 30)) < (num_targets - 1) / 29
    relevant[np.arange(50), random.integers(0, 30, 50)] = True
    top = metrics.top_items(scores, k=k, ties=metrics.tie_order(30, seed=0))
    rows, items = np.nonzero(relevant)
    return scores, relevant, metrics.per_user(top, rows=rows, items=items.astype(np.int32))


def test_ndcg_agrees_with_scikit_learn():
    scores, relevant, ours = drawn_questions(k=10, num_targets=5)

    # scikit-learn divides by what all targets could reach within k as well.
    theirs = [sklearn.ndcg_score(relevant[[user]], scores[[user]], k=10) for user in range(50)]
    np.testing.assert_allclose(ours["ndcg"], theirs, rtol=1e-6)


@pytest.mark.parametrize("k", [1, 10, 29])
def test_recall_and_precision_agree_with_scikit_learn(k):
    scores, relevant, ours = drawn_questions(k=k, num_targets=5)

    listed = scores >= np.sort(scores, axis=1)[:, -k, None]
    pairs = list(zip(relevant, listed, strict=True))
    recalls = [sklearn.recall_score(*pair) for pair in pairs]
    np.testing.assert_allclose(ours["recall"], recalls, rtol=1e-12)
    precisions = [sklearn.precision_score(*pair) for pair in pairs]
    np.testing.assert_allclose(ours["precision"], precisions, rtol=1e-12)


def test_map_of_whole_lists_agrees_with_scikit_learn():
    scores, relevant, ours = drawn_questions(k=30, num_targets=5)

    theirs = [sklearn.average_precision_score(relevant[user], scores[user]) for user in range(50)]
    np.testing.assert_allclose(ours["map"], theirs, rtol=1e-9)


def test_mrr_of_one_target_agrees_with_scikit_learn():
    scores, relevant, ours = drawn_questions(k=30, num_targets=1)

    theirs = sklearn.label_ranking_average_precision_score(relevant, scores)
    assert (relevant.sum(axis=1) == 1).all()
    assert ours["mrr"].mean() == pytest.approx(theirs, rel=1e-9)
    assert ours["map"].mean() == pytest.approx(theirs, rel=1e-9)


def test_recall_of_one_target_agrees_with_scikit_learns_top_k_accuracy():
    scores, relevant, ours = drawn_questions(k=7, num_targets=1)

    theirs = sklearn.top_k_accuracy_score(
        relevant.argmax(axis=1), scores, k=7, labels=np.arange(30)
    )
    assert ours["recall"].mean() == pytest.approx(theirs, rel=1e-12)


def measure_expected(
    scores: list[list[float]], targets: list[list[int]], *, k: int
) -> dict[str, list[float]]:
    rows = np.repeat(np.arange(len(targets)), [len(own) for own in targets])
    items = np.array([item for own in targets for item in own], np.int32)
    found = metrics.expected(np.array(scores, np.float32), rows=rows, items=items, k=k)
    return {name: values.tolist() for name, values in found.items()}


def test_without_equals_what_is_expected_is_what_is_measured():
    found = measure_expected([[0.1, 0.9, 0.5, 0.2]], [[2, 3]], k=2)

    ideal = 1 + 1 / math.log2(3)
    assert found["ndcg"] == [pytest.approx(1 / math.log2(3) / ideal)]
    assert (found["recall"], found["precision"]) == ([0.5], [0.5])


def test_a_target_shares_the_places_of_its_equals():
    # One item is better, three are equal on places 2 to 4, of which 2 and 3 are listed.
    found = measure_expected([[5.0, 1.0, 1.0, 1.0, 0.0]], [[2]], k=3)

    assert found["ndcg"] == [pytest.approx((1 / math.log2(3) + 1 / 2) / 3)]
    assert found["recall"] == [pytest.approx(2 / 3)]
    assert found["precision"] == [pytest.approx(2 / 9)]


def test_who_can_say_nothing_gets_what_chance_gets():
    silent = measure_expected([[-INF] * 40, [7.0] * 40], [[3], [0, 1]], k=10)

    gains = [1 / math.log2(place + 1) for place in range(1, 11)]
    assert silent["ndcg"][0] == pytest.approx(sum(gains) / 40)
    assert silent["ndcg"][1] == pytest.approx(2 * sum(gains) / 40 / (gains[0] + gains[1]))
    assert silent["recall"] == [pytest.approx(0.25)] * 2


def test_expected_ndcg_with_equals_agrees_with_scikit_learn():
    random = np.random.default_rng(3)
    scores = random.integers(0, 6, (50, 30)).astype(np.float32)
    relevant = np.zeros((50, 30))
    relevant[np.arange(50), random.integers(0, 30, 50)] = 1
    rows, items = np.nonzero(relevant)

    ours = metrics.expected(scores, rows=rows, items=items.astype(np.int32), k=10)["ndcg"]

    theirs = [sklearn.ndcg_score(relevant[[row]], scores[[row]], k=10) for row in range(50)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
