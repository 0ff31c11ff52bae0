"""The machine against the sum over all pairs of features, written down plainly."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from interests.datasets.attributes import Attributes
from recommender.algorithms.factorisation_machine import (
    FactorisationMachine,
    FactorisationMachineSettings,
    Machine,
    Moments,
    Sums,
    loss,
    moments,
)
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import drawn_log, log_of

SETTINGS = FactorisationMachineSettings(4, num_passes=1)


def machine_of(shares):
    made = Machine(
        torch.tensor(shares), num_kinds=2, num_features=4, width=3,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    with torch.no_grad():
        for part in made.parameters():
            part.copy_(torch.randn(part.shape, generator=torch.Generator().manual_seed(1)))
    return made.requires_grad_(False)


def test_scores_are_the_weights_of_all_pairs_of_features():
    shares = [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    made = machine_of(shares)
    # Items 2 and 0 before now, the last event of kind 1, the other of kind 0; two attributes and a device.
    now = Moments(
        torch.tensor([[2, 0]]), torch.tensor([[1, 0]]), torch.tensor([[0.8, 0.6]]),
        torch.tensor([3]), torch.tensor([5]), torch.ones(1, 1),
        torch.tensor([[True, False, True, True]]),
    )  # fmt: skip

    with torch.no_grad():
        sums = made.sums()
        found = (sums.people(now) @ sums.candidates.T + sums.biases)[0]

    person = [
        (0.8, made.history[2]), (0.6, made.history[0]), (0.8, made.kinds[1]), (0.6, made.kinds[0]),
        (0.6, made.history_categories[0]), (0.8, made.history_categories[1]),
        (1, made.hours[3]), (1, made.weekdays[5]),
        (1, made.features[0]), (1, made.features[2]), (1, made.features[3]),
    ]  # fmt: skip

    def all_pairs(features):
        return sum(float(x * y * (v @ w)) for (x, v), (y, w) in combinations(features, 2))

    for item, own in enumerate(shares):
        ranked = [(1, made.candidates[item])]
        ranked += [(s, made.candidate_categories[c]) for c, s in enumerate(own) if s]
        single = float(made.item_weights[item])
        single += sum(s * float(made.category_weights[c]) for c, s in enumerate(own))
        # Pairs within person and moment are the same for every item: left out of the score.
        expected = single + all_pairs(person + ranked) - all_pairs(person)
        assert found[item].item() == pytest.approx(expected, abs=1e-4)


def test_the_loss_takes_off_how_often_an_item_is_drawn():
    # Item 1 is drawn three times as often as item 0; scores 0 and ln 3 make both as likely.
    zeros = torch.zeros(2, 1)
    sums = Sums(zeros, zeros, zeros, zeros, zeros, torch.tensor([0.0, np.log(3)]), zeros[:0])
    now = Moments(*(torch.zeros(1, 1, dtype=torch.int64),) * 2, torch.zeros(1, 1),
                  torch.zeros(1, dtype=torch.int64), torch.zeros(1, dtype=torch.int64),
                  torch.ones(1, 1), torch.zeros(1, 0, dtype=torch.bool))  # fmt: skip

    found = loss(
        sums, now, targets=torch.tensor([0]), drawn=torch.tensor([1, 0]),
        counts=torch.tensor([1.0, 3.0]),
    )  # fmt: skip

    # The target drawn again does not count against itself.
    assert found.item() == pytest.approx(np.log(2))


def test_moments_look_back_from_the_last_event():
    # 1970-01-01 was weekday 0 here; day 8.5 is noon of weekday 1.
    log = log_of([("ann", "a", 1), ("ann", "x", 3), ("ann", "b", 8.5, "dislike"), ("bob", "a", 1)])
    places = np.array([0, 1, -1])  # a, b, x, which is not fitted

    now = moments(
        log, starts=np.array([0, 3]), ends=np.array([3, 3]), places=places, half_life=1.0,
        features=np.zeros((2, 0), bool),
    )  # fmt: skip

    root = np.sqrt(1 + 1 / 16)
    np.testing.assert_allclose(now.weights[0, :4], [1 / root, 0, 0.25 / root, 0], rtol=1e-6)
    assert now.items[0, [0, 2]].tolist() == [1, 0]
    assert now.kinds[0, [0, 2]].tolist() == [1, 0]
    assert (now.hours[0].item(), now.weekdays[0].item()) == (3, 1)
    assert now.weights[1].tolist() == [0.0] * 32
    assert now.has_last.tolist() == [[1.0], [0.0]]


def test_the_order_of_a_history_matters():
    log = drawn_log()
    fitted = FactorisationMachine().fit(log, settings=SETTINGS, seed=0)
    there = log_of([("new", "item 0", 1), ("new", "item 1", 2)], item_ids=log.catalogue.item_ids)
    back = log_of([("new", "item 1", 1), ("new", "item 0", 2)], item_ids=log.catalogue.item_ids)

    scores = [fitted.scores(one, users=np.array([0], np.int32)) for one in (there, back)]

    assert not np.allclose(*scores)


def test_a_budget_ends_the_passes():
    told = []

    FactorisationMachine().fit(
        drawn_log(), settings=FactorisationMachineSettings(4), seed=0, budget_seconds=1e-9,
        report=lambda step, share: told.append(step),
    )  # fmt: skip

    assert told == ["pass 1"]


def test_where_nobody_has_two_events_popularity_is_left():
    log = log_of([("ann", "a", 1), ("bob", "b", 1)])

    fitted = FactorisationMachine().fit(log, settings=SETTINGS, seed=0)

    assert np.isfinite(fitted.scores(log, users=np.array([0, 1], np.int32))).all()


@pytest.mark.parametrize(
    ("rows", "settings", "words"),
    [
        ([("ann", "a", 1, "dislike")], SETTINGS, "no events to learn from: factorisation_machine"),
        ([("ann", "a", 1)], FactorisationMachineSettings(0), "a width and passes of at least 1"),
        ([("ann", "a", 1)], FactorisationMachineSettings(half_life=0), "needs a half-life"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(rows, settings, words):
    with pytest.raises(CannotFit, match=words):
        FactorisationMachine().fit(log_of(rows), settings=settings, seed=0)


def test_without_attributes_and_devices_nothing_is_learned_of_them_and_nothing_drawn():
    log = drawn_log()
    bare = FactorisationMachine().fit(log, settings=SETTINGS, seed=0)
    empty = replace(
        log,
        attributes=Attributes(("town",), np.full((log.num_users, 1), "", object)),
        devices=np.full(log.num_events, -1, np.int16),
        device_names=("phone",),
    )
    same = FactorisationMachine().fit(empty, settings=SETTINGS, seed=0)
    users = np.arange(log.num_users, dtype=np.int32)

    assert bare.sums.features.shape == (0, 4)
    np.testing.assert_array_equal(bare.scores(log, users=users), same.scores(empty, users=users))


def test_the_device_of_the_last_event_matters():
    # On the phone everybody goes on to film, at the desk to news.
    log = log_of(
        [
            row
            for n in range(40)
            for row in (
                (f"u{n}", "start", 7 * n),
                (f"u{n}", "film" if n % 2 else "news", 7 * n + 1),
            )
        ]
    )
    first = np.array([int(name[1:]) % 2 for name in log.user_ids[log.users]])
    log = replace(log, devices=first.astype(np.int16), device_names=("desk", "phone"))
    fitted = FactorisationMachine().fit(
        log, settings=FactorisationMachineSettings(8, num_passes=40), seed=0
    )
    asked = log_of([("a", "start", 1), ("b", "start", 1)], item_ids=log.catalogue.item_ids)
    # In this log the devices have other numbers.
    asked = replace(asked, devices=np.array([0, 1], np.int16), device_names=("phone", "desk"))

    scores = fitted.scores(asked, users=np.array([0, 1], np.int32))

    film, news = (log.catalogue.item_ids.tolist().index(name) for name in ("film", "news"))
    assert scores[0, film] > scores[0, news]
    assert scores[1, film] < scores[1, news]
