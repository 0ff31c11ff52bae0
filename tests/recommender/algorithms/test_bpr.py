"""BPR: one step by hand, people solved for where their loss has no slope, structure found."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recommender.algorithms import bpr, matrices
from recommender.algorithms.bpr import BPR, BPRSettings, FittedBPR, Pairs, Sides
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import drawn_log, log_of


def test_one_step_by_hand():
    # p = 2; q = 1 and bias 0 chosen, q = 0.5 and bias 1 not: the difference is 2 · 0.5 - 1 = 0, so σ is a half.
    sides = Sides(torch.tensor([[2.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.5, 1.0]]))
    settings = BPRSettings(1, learning_rate=0.1, regularisation=0.2)

    sides.step(*torch.tensor([[0], [0], [1]]), settings=settings)

    np.testing.assert_allclose(sides.people, [[2 + 0.1 * (0.5 * 0.5 - 0.2 * 2), 1]])
    expected = [
        [1 + 0.1 * (0.5 * 2 - 0.2 * 1), 0.1 * 0.5],
        [0.5 + 0.1 * (-0.5 * 2 - 0.2 * 0.5), 1 + 0.1 * (-0.5 - 0.2 * 1)],
    ]
    np.testing.assert_allclose(sides.items, expected)


def test_pairs_hold_a_choice_and_another_item_drawn_as_often_as_it_was_chosen():
    chosen, _ = matrices.compact(matrices.choices(drawn_log()))
    pairs, random = Pairs.of(chosen), np.random.default_rng(0)

    drawn = [batch for _ in range(200) for batch in pairs.batches(random)]

    users, better, worse = (torch.cat(parts).numpy() for parts in zip(*drawn, strict=True))
    dense = chosen.toarray()
    assert dense[users, better].all()
    assert not dense[users, worse].any()
    # Somebody meets an item he did not choose in proportion to those who did.
    own = worse[users == 0]
    expected = dense.sum(axis=0) * (dense[0] == 0)
    found = np.bincount(own, minlength=len(expected)) / len(own)
    np.testing.assert_allclose(found, expected / expected.sum(), atol=0.03)


def test_people_are_where_their_loss_has_no_slope(monkeypatch):
    monkeypatch.setattr(bpr, "ASKED_STEPS", 3_000)
    random = np.random.default_rng(0)
    fitted = FittedBPR(
        items=np.arange(12), vectors=random.normal(size=(12, 3)).astype(np.float32),
        biases=random.normal(size=12).astype(np.float32), drawn=random.integers(0, 12, 30),
        settings=BPRSettings(3, regularisation=0.1), popularity=np.ones(12, np.float32),
    )  # fmt: skip
    log = drawn_log(num_items=12, num_events=80)
    chosen = matrices.choices(log)[:5]

    found = fitted.people(chosen)

    for own, row in zip(found, chosen.toarray(), strict=True):
        slope = -0.1 * own
        liked = np.flatnonzero(row)
        for item in liked:
            for other in fitted.drawn[row[fitted.drawn] == 0]:
                away = fitted.vectors[item] - fitted.vectors[other]
                gap = own @ away + fitted.biases[item] - fitted.biases[other]
                slope = slope + away / (1 + np.exp(gap)) / len(liked) / 30
        np.testing.assert_allclose(slope, 0, atol=1e-3)


def test_blocks_give_the_scores_of_one(monkeypatch):
    log, users = drawn_log(), np.arange(9, dtype=np.int32)
    fitted = BPR().fit(log, settings=BPRSettings(4, num_passes=2), seed=0)
    whole = fitted.scores(log, users=users)

    monkeypatch.setattr(bpr, "BLOCK_CELLS", 2_000)

    np.testing.assert_allclose(fitted.scores(log, users=users), whole, atol=1e-6)


def test_a_budget_ends_the_passes():
    told = []

    BPR().fit(
        drawn_log(), settings=BPRSettings(4), seed=0, budget_seconds=1e-9,
        report=lambda step, share: told.append(step),
    )  # fmt: skip

    assert told == ["pass 1"]


@pytest.mark.parametrize(
    ("rows", "settings", "words"),
    [
        ([("ann", "a", 1, "dislike")], BPRSettings(), "no events to learn from: bpr needs"),
        ([("ann", "a", 1)], BPRSettings(0), "a width and a number of passes of at least 1"),
        ([("ann", "a", 1)], BPRSettings(regularisation=0), "learning rate and a regularisation"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(rows, settings, words):
    with pytest.raises(CannotFit, match=words):
        BPR().fit(log_of(rows), settings=settings, seed=0)
