"""The gate: numpy says what torch learned, plain values come back, categories may come and go."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from interests.tracking import fitting
from interests.tracking.gate import Gate
from interests.tracking.histories import History
from interests.tracking.measure import cross_entropies
from interests.tracking.mixture import Mixture
from interests.tracking.population import Population, places_of
from interests.tracking.protocol import track


def history(rng, length=90, num_categories=4):
    wanted = rng.dirichlet(np.full(num_categories, 0.4))
    chosen = rng.choice(num_categories, length, p=wanted)
    # Whoever has seen category 0 sees 1 next: something only the gate can know.
    chosen[1:] = np.where(chosen[:-1] == 0, 1, chosen[1:])
    shares = np.eye(num_categories)[chosen]
    shares[::7] = 0.5 * shares[::7] + 0.5 * np.roll(shares[::7], 1, axis=1)
    return History(
        shares=shares,
        times=np.cumsum(rng.integers(1, 4_000_000_000, length)),
        sessions=np.sort(rng.integers(0, 20, length)).astype(np.int32),
        weights=np.where(rng.random(length) < 0.05, -1.0, 1.0),
    )


@pytest.fixture(scope="module")
def mixture():
    rng = np.random.default_rng(0)
    learned = Mixture()
    learned.fit([history(rng) for _ in range(60)])
    return learned


def test_numpy_says_what_torch_learned(mixture):
    import torch

    from interests.tracking.networks import gates

    people = [history(np.random.default_rng(1)) for _ in range(3)]
    steps = list(fitting._events(people, mixture.population))
    names = ("mixed", "of_category", "of_person", "crossed")
    joined = {name: np.concatenate([getattr(own, name) for own, _, _ in steps]) for name in names}
    events = np.concatenate([event for _, event, _ in steps]).astype(np.float32)
    torch.manual_seed(0)
    network = gates.GateNetwork(gates.Examples(**joined, events=events))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)

    with torch.no_grad():
        expected = network(*(torch.from_numpy(joined[name]) for name in names)).exp().numpy()
    found = network.gate().weights(fitting.Features(**joined))

    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    assert found.sum(1) == pytest.approx(1, abs=1e-9)


def test_the_gate_knows_of_new_people_what_experts_cannot(mixture):
    rng = np.random.default_rng(9)
    people = [history(rng) for _ in range(10)]

    def loss(tracker):
        tracks = [(track(tracker, own), own) for own in people]
        return np.concatenate([cross_entropies(*pair) for pair in tracks]).mean()

    assert loss(mixture) < loss(Mixture(replace(mixture.population, gate=None))) - 0.02


def test_what_was_learned_comes_back_from_json_as_it_was(mixture):
    own = history(np.random.default_rng(5))

    plain = json.loads(json.dumps(mixture.population.to_plain()))
    again = Mixture(Population.from_plain(plain))

    np.testing.assert_array_equal(track(again, own).weights, track(mixture, own).weights)


def test_renumbered_categories_renumber_the_weights(mixture):
    own = history(np.random.default_rng(6))
    places = places_of([40, 10, 20, 30], among=[10, 20, 30, 40])

    population = mixture.population.for_categories(places)
    weights = track(Mixture(population), replace(own, shares=own.shares[:, places])).weights

    assert places.tolist() == [3, 0, 1, 2]
    np.testing.assert_allclose(weights, track(mixture, own).weights[:, places], rtol=1e-3)


def test_a_new_category_begins_small_and_is_followed(mixture):
    population = mixture.population.for_categories(places_of([1, 2, 3, 4, 5], among=[1, 2, 3, 4]))
    own = history(np.random.default_rng(6))
    shares = np.column_stack([own.shares, np.zeros(len(own))])
    shares[-30:] = np.eye(5)[4]

    weights = track(Mixture(population), replace(own, shares=shares)).weights

    assert weights[-31, 4] < 0.1
    assert weights[-1, 4] > 0.4


def test_too_few_people_teach_no_gate():
    rng = np.random.default_rng(0)
    learned = Mixture()

    learned.fit([history(rng) for _ in range(20)])

    assert learned.population.gate is None


def test_equal_histories_teach_equal_gates(mixture):
    rng = np.random.default_rng(0)
    again = Mixture()

    again.fit([history(rng) for _ in range(60)])

    for name, array in vars(mixture.population.gate).items():
        np.testing.assert_array_equal(getattr(again.population.gate, name), array)
    assert isinstance(again.population.gate, Gate)
