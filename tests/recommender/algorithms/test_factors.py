"""Implicit ALS against its equations written down plainly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recommender.algorithms import factors, matrices
from recommender.algorithms.factors import ALS, ALSSettings, Side
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import drawn_log, log_of

SETTINGS = ALSSettings(8, unobserved_weight=0.2, regularisation=0.05, scaling=0.5, num_passes=3)


def plain(fixed, chosen, settings):
    """Return the vectors at which the loss has no slope: the textbook's (A)⁻¹ b, one row after the other."""
    gram = settings.unobserved_weight * fixed.T @ fixed
    rows = []
    for own in chosen:
        picked = fixed[own > 0]
        size = len(picked) + settings.unobserved_weight * len(fixed)
        held_back = settings.regularisation * size**settings.scaling
        matrix = gram + picked.T @ picked + held_back * np.eye(fixed.shape[1])
        rows.append(np.linalg.solve(matrix, picked.sum(axis=0)))
    return np.array(rows)


def loss(users, items, chosen, settings):
    """Return the loss of the paper, cell by cell."""
    scores = users @ items.T
    cells = (chosen * (scores - 1) ** 2 + settings.unobserved_weight * scores**2).sum()
    for side, matrix in ((users, chosen), (items, chosen.T)):
        size = matrix.sum(axis=1) + settings.unobserved_weight * matrix.shape[1]
        held_back = settings.regularisation * size**settings.scaling
        cells += (held_back * (side**2).sum(axis=1)).sum()
    return cells


def test_one_end_user_and_one_item_by_hand():
    # v fixed at 2, α 0.5, λ 1, ν 1: (v² + α v² + λ (1 + α)) w = v, so w = 2 / (4 + 2 + 1.5).
    settings = ALSSettings(1, 0.5, 1.0, 1.0)
    side = Side.turned(torch.tensor([[2.0]]), weight=0.5)
    chosen = matrices.choices(log_of([("ann", "a", 1)]))

    [[found]] = (side.solve(chosen, settings=settings) @ side.vectors.T).tolist()

    assert found == pytest.approx(2 * 2 / 7.5)


# Histories shorter and longer than the vectors are wide are solved by different sides.
@pytest.mark.parametrize("width", [3, 8, 30])
@pytest.mark.parametrize("scaling", [0.0, 1.0])
def test_the_turned_systems_give_the_scores_of_the_plain_ones(width, scaling, monkeypatch):
    monkeypatch.setattr(factors, "BLOCK_CELLS", 500)  # several blocks of the same length
    settings = ALSSettings(width, 0.2, 0.05, scaling)
    chosen = matrices.choices(drawn_log())
    fixed = np.random.default_rng(1).normal(size=(chosen.shape[1], width))

    side = Side.turned(torch.from_numpy(fixed).float(), weight=0.2)
    found = side.solve(chosen, settings=settings) @ side.vectors.T

    expected = plain(fixed, chosen.toarray(), settings) @ fixed.T
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_the_fit_ends_where_neither_side_can_be_bettered():
    log = drawn_log()
    settings = ALSSettings(4, 0.2, 0.5, 1.0, num_passes=300)
    fitted = ALS().fit(log, settings=settings, seed=0)

    chosen, items = matrices.compact(matrices.choices(log))
    users = fitted.side.solve(chosen, settings=settings).double().cpu().numpy()
    vectors = fitted.side.vectors.double().cpu().numpy()

    dense = chosen.toarray().astype(float)
    np.testing.assert_array_equal(items, fitted.items)
    np.testing.assert_allclose(plain(vectors, dense, settings), users, atol=1e-4)
    np.testing.assert_allclose(plain(users, dense.T, settings), vectors, atol=2e-3)


def test_each_pass_lowers_the_loss():
    log = drawn_log()
    chosen, _ = matrices.compact(matrices.choices(log))
    losses = []
    for num_passes in (1, 2, 4, 8):
        settings = ALSSettings(8, 0.2, 0.05, 0.5, num_passes)
        fitted = ALS().fit(log, settings=settings, seed=0)
        users = fitted.side.solve(chosen, settings=settings).double().cpu().numpy()
        items = fitted.side.vectors.double().cpu().numpy()
        losses.append(loss(users, items, chosen.toarray(), settings))

    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.999 * losses[0]


def test_somebody_who_came_after_the_fit_is_scored_like_one_with_the_same_history():
    log = drawn_log()
    fitted = ALS().fit(log, settings=SETTINGS, seed=0)
    first = log.items[log.offsets[0] : log.offsets[1]][~log.is_negative[: log.offsets[1]]]
    names = [(f"item {item}", day) for day, item in enumerate(first)]
    newcomer = log_of([("new", *each) for each in names], item_ids=list(log.catalogue.item_ids))

    known = fitted.scores(log, users=np.array([0], np.int32))
    found = fitted.scores(newcomer, users=np.array([0], np.int32))

    np.testing.assert_allclose(found, known, rtol=1e-5, atol=1e-6)


def test_a_history_of_refusals_is_answered_by_popularity():
    log = log_of([("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1), ("cem", "b", 1, "dislike")])

    fitted = ALS().fit(log, settings=SETTINGS, seed=0)

    assert fitted.scores(log, users=np.array([2], np.int32)).tolist() == [[2.0, 1.0]]


def test_a_budget_ends_the_passes():
    told = []

    ALS().fit(
        drawn_log(), settings=SETTINGS, seed=0, budget_seconds=1e-9,
        report=lambda step, share: told.append((step, share)),
    )  # fmt: skip

    assert told == [("pass 1", pytest.approx(1 / 3))]


@pytest.mark.parametrize(
    ("rows", "settings", "words"),
    [
        ([("ann", "a", 1, "dislike")], SETTINGS, "no events to learn from: als needs at least one"),
        ([("ann", "a", 1)], ALSSettings(0), "a width and a number of passes of at least 1"),
        ([("ann", "a", 1)], ALSSettings(regularisation=0.0), "a regularisation above 0"),
        ([("ann", "a", 1)], ALSSettings(unobserved_weight=0.0), "a weight of what was not chosen"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(rows, settings, words):
    with pytest.raises(CannotFit, match=words):
        ALS().fit(log_of(rows), settings=settings, seed=0)
