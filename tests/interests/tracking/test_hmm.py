"""The hidden Markov model against every sequence of states of a tiny chain, written out."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import torch

from interests.tracking.histories import History
from interests.tracking.hmm import HiddenMarkov
from interests.tracking.networks.chains import Chain, backward, counted, forward, improved, viterbi
from interests.tracking.protocol import track

BEGIN = np.array([0.7, 0.3])
MOVE = np.array([[0.9, 0.1], [0.4, 0.6]])
EMIT = np.array([[0.8, 0.15, 0.05], [0.1, 0.3, 0.6]])
CATEGORIES = (0, 2, 2, 1)
CHAIN = Chain(*(torch.from_numpy(np.log(part)) for part in (BEGIN, MOVE, EMIT)))


def paths():
    """Return every sequence of states with its probability together with the events."""
    found = {}
    for path in product(range(2), repeat=len(CATEGORIES)):
        chance = BEGIN[path[0]] * EMIT[path[0], CATEGORIES[0]]
        for before, now, category in zip(path, path[1:], CATEGORIES[1:], strict=False):
            chance *= MOVE[before, now] * EMIT[now, category]
        found[path] = chance
    return found


def events(*rows):
    return torch.eye(3, dtype=torch.float64)[torch.tensor(rows)]


def test_forward_and_backward_agree_with_all_paths():
    seen = CHAIN.log_likelihoods(events(CATEGORIES), torch.ones(1, 4).double())

    joined = (forward(CHAIN, seen) + backward(CHAIN, seen)).exp()[0].numpy()

    for place in range(4):
        for state in range(2):
            through = sum(chance for path, chance in paths().items() if path[place] == state)
            assert joined[place, state] == pytest.approx(through, rel=1e-12)


def test_viterbi_finds_the_likeliest_path():
    seen = CHAIN.log_likelihoods(events(CATEGORIES), torch.ones(1, 4).double())

    assert tuple(viterbi(CHAIN, seen)[0].tolist()) == max(paths(), key=paths().__getitem__)


def test_expected_counts_are_those_of_all_paths_and_padding_adds_nothing():
    told = torch.tensor([[1, 1, 1, 1, 0, 0]]).double()

    first, moves, emitted, total = counted(
        CHAIN, events((*CATEGORIES, 0, 0)) * told[..., None], told
    )

    likelihood = sum(paths().values())
    expected_moves, expected_emitted = np.zeros((2, 2)), np.zeros((2, 3))
    for path, chance in paths().items():
        for before, now in pairwise(path):
            expected_moves[before, now] += chance / likelihood
        for state, category in zip(path, CATEGORIES, strict=True):
            expected_emitted[state, category] += chance / likelihood
    assert total == pytest.approx(np.log(likelihood))
    np.testing.assert_allclose(moves.numpy(), expected_moves)
    np.testing.assert_allclose(emitted.numpy(), expected_emitted)
    assert first.sum().item() == pytest.approx(1)


def test_each_round_makes_the_events_likelier():
    rng = np.random.default_rng(0)
    rows = np.where(rng.random((8, 40)) < 0.5, 0, 2).tolist()
    told = [(events(*rows), torch.ones(8, 40).double())]
    shares = torch.tensor([0.4, 0.2, 0.4]).double()
    chain, reached = Chain.random(shares, num_states=3, seed=0), []

    for _ in range(6):
        chain, likelihood = improved(chain, told, shares)
        reached.append(likelihood)

    assert reached == sorted(reached)


def test_a_row_knows_only_the_events_before_it_and_negative_ones_tell_nothing():
    def history(categories, weights=None):
        length = len(categories)
        return History(
            shares=np.eye(3)[categories],
            times=np.arange(length, dtype=np.int64),
            sessions=np.zeros(length, np.int32),
            weights=np.ones(length) if weights is None else np.array(weights, float),
        )

    tracker = HiddenMarkov(num_states=2, rounds=3)
    tracker.fit([history([0] * 20 + [2] * 20), history([2] * 20 + [0] * 20), history([1] * 10)])

    one = track(tracker, history([0, 0, 2])).weights
    other = track(tracker, history([0, 0, 1], weights=[1, 1, -1])).weights

    np.testing.assert_allclose(one[:3], other[:3])
    assert one[2, 0] > one[0, 0]
    assert other[3, 0] == pytest.approx(other[2, 0], abs=0.1)
