"""Hidden states against all their paths one by one, and found again where they were drawn."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from recommender.algorithms import hidden_markov
from recommender.algorithms.hidden_markov import (
    HiddenMarkov,
    HiddenMarkovSettings,
    HiddenStates,
    _Pieces,
)
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import drawn_log, log_of

START = np.array([0.7, 0.3])
MOVES = np.array([[0.8, 0.2], [0.4, 0.6]])
EMISSIONS = np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7]], np.float32)
HISTORIES = [[0, 0, 2, 1], [2], [1, 2]]
STATES = HiddenStates(START, MOVES, EMISSIONS, np.array([3, 2, 1], np.float32))
SETTINGS = HiddenMarkovSettings(2, smoothing=1e-9, num_passes=1)


def paths(history):
    """Yield every path of states with its chance together with the history."""
    for path in product((0, 1), repeat=len(history)):
        chance = START[path[0]] * EMISSIONS[path[0], history[0]]
        for before, now, item in zip(path, path[1:], history[1:], strict=False):
            chance *= MOVES[before, now] * EMISSIONS[now, item]
        yield path, chance


def pieces():
    items = np.array([item for history in HISTORIES for item in history], np.int32)
    return _Pieces.of(items, np.repeat([0, 1, 2], [4, 1, 2]))


def test_the_next_item_is_that_of_all_paths():
    rows = [
        (f"u{who}", "abc"[item], day)
        for who, own in enumerate(HISTORIES)
        for day, item in enumerate(own)
    ]
    log = log_of(rows)

    scores = STATES.scores(log, users=np.arange(3, dtype=np.int32))

    for history, found in zip(HISTORIES, scores, strict=True):
        every = list(paths(history))
        total = sum(chance for _, chance in every)
        ahead = sum(chance * MOVES[path[-1]] for path, chance in every) / total
        np.testing.assert_allclose(found, ahead @ EMISSIONS, rtol=1e-5)


def test_a_pass_counts_what_all_paths_say():
    found = hidden_markov._pass(pieces(), STATES, np.full(3, 1 / 3), settings=SETTINGS)

    start, moves, emissions = np.zeros(2), np.zeros((2, 2)), np.zeros((2, 3))
    for history in HISTORIES:
        total = sum(chance for _, chance in paths(history))
        for path, chance in paths(history):
            start[path[0]] += chance / total
            for before, now in pairwise(path):
                moves[before, now] += chance / total
            for state, item in zip(path, history, strict=True):
                emissions[state, item] += chance / total
    np.testing.assert_allclose(found.start, start / start.sum(), atol=1e-4)
    np.testing.assert_allclose(found.moves, moves / moves.sum(axis=1, keepdims=True), atol=1e-4)
    np.testing.assert_allclose(
        found.emissions, emissions / emissions.sum(axis=1, keepdims=True), rtol=1e-5
    )


def test_moods_that_were_drawn_are_found():
    log = drawn_log(num_items=10, num_events=3000)
    # Each end user keeps to one half of the items for a while, then to the other.
    random = np.random.default_rng(0)
    mood = np.cumsum(random.random(3000) < 0.05) % 2
    log = replace(log, items=(random.integers(0, 5, 3000) + 5 * mood).astype(np.int32))

    fitted = HiddenMarkov().fit(log, settings=HiddenMarkovSettings(2, num_passes=30), seed=0)

    halves = np.sort(fitted.emissions[:, :5].sum(axis=1))
    np.testing.assert_allclose(halves, [0, 1], atol=0.1)
    assert np.diag(fitted.moves).min() > 0.85


def test_long_histories_are_learned_from_in_pieces_and_only_their_end_is_filtered(monkeypatch):
    monkeypatch.setattr(hidden_markov, "PIECE", 2)
    whole = log_of([("ann", item, day) for day, item in enumerate("cab")])
    end = log_of([("ann", item, day) for day, item in enumerate("ab")], item_ids="abc")
    ann = np.array([0], np.int32)

    fitted = HiddenMarkov().fit(whole, settings=HiddenMarkovSettings(2), seed=0)

    assert np.isfinite(fitted.scores(whole, users=ann)).all()
    np.testing.assert_array_equal(STATES.scores(whole, users=ann), STATES.scores(end, users=ann))


@pytest.mark.parametrize(
    ("settings", "rows", "words"),
    [
        (HiddenMarkovSettings(), [("ann", "a", 1, "dislike")], "needs at least one"),
        (HiddenMarkovSettings(0), [("ann", "a", 1)], "at least one state"),
        (HiddenMarkovSettings(smoothing=0.0), [("ann", "a", 1)], "a smoothing above 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(settings, rows, words):
    with pytest.raises(CannotFit, match=words):
        HiddenMarkov().fit(log_of(rows), settings=settings, seed=0)
