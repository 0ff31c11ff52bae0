"""Networks of interest: what their options do, and what the one that reads histories reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from recommender.algorithms import examples
from recommender.algorithms.deep_classifiers import MLP, MLPSettings
from recommender.algorithms.interest import Asked
from recommender.algorithms.lstm_classifier import LSTMClassifier, LSTMSettings
from recommender.algorithms.moments import Moments
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import drawn_log

QUICK = MLPSettings(widths=(8, 4), max_epochs=3, learning_rate=0.01, batch=64)
SHORT = LSTMSettings(widths=(8, 8), item_width=4, window=3, max_epochs=1, learning_rate=0.01)


def learned(algorithm, settings, **more):
    log = drawn_log()
    known, _ = examples.prepare(log, task=algorithm.task, seed=0)
    options = {"settings": settings, "seed": 0, "budget_seconds": None, "report": None} | more
    return log, known.examples, algorithm.learn(log, known, **options)


def raw(model, log, known):
    return model.raw(Asked(log, known.moments, known.rows, known.items, known.features))


def test_a_perceptron_is_its_layers_one_after_the_other():
    log, known, model = learned(MLP(), QUICK)

    x = model.standard.of_pairs(known.features)
    for place in (0, 4):  # linear, norm, bend, dropout; twice
        weights = model.weights
        x = np.maximum(x @ weights[f"{place}.weight"].numpy().T + weights[f"{place}.bias"].numpy(), 0)  # fmt: skip
    expected = x @ model.weights["8.weight"].numpy().T + model.weights["8.bias"].numpy()
    np.testing.assert_allclose(raw(model, log, known), expected[:, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_each_norm_learns_to_tell_yes_from_no(norm):
    log, known, model = learned(MLP(), replace(QUICK, norm=norm, max_epochs=8))

    found = model.answers(raw(model, log, known))

    assert found[known.labels == 1].mean() > found[known.labels == 0].mean() + 0.03
    np.testing.assert_array_equal(found, model.answers(raw(model, log, known)))


def test_what_weights_cost_makes_them_smaller():
    sizes = []
    for changes in ({}, {"l1": 0.01}, {"l2": 0.1}):
        _, _, model = learned(MLP(), replace(QUICK, dropout=0.0, **changes))
        sizes.append(float(model.weights["0.weight"].abs().sum()))

    assert sizes[1] < 0.9 * sizes[0]
    assert sizes[2] < 0.9 * sizes[0]


def test_an_unknown_norm_is_refused_in_words():
    with pytest.raises(CannotFit, match="norm must be one of none, batch, layer, not 'group'"):
        learned(MLP(), replace(QUICK, norm="group"))


def test_a_budget_ends_the_epochs():
    told = []

    learned(MLP(), QUICK, budget_seconds=1e-9, report=lambda step, share: told.append((step, share)))  # fmt: skip

    assert told == [("epoch 1", pytest.approx(1 / 3))]


def test_the_random_numbers_of_others_are_left_alone():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)

    learned(MLP(), QUICK)

    assert torch.rand(1) == expected


def asked_at(log, model, ends, *, users, items):
    moments = Moments.at_events(log, np.array(ends))
    moments = replace(moments, users=np.array(users, np.int32))
    rows = np.arange(len(ends))
    features = np.zeros((len(ends), len(model.standard.means)), np.float32)
    return model.raw(Asked(log, moments, rows, np.array(items), features))


def test_the_network_reads_the_last_events_and_their_order():
    log, _, model = learned(LSTMClassifier(), SHORT)
    end = int(log.offsets[1])

    def changed(places, items):
        new = log.items.copy()
        new[places] = items
        return replace(log, items=new)

    asked = {"users": [0], "items": [5]}
    before = asked_at(log, model, [end], **asked)
    old = asked_at(changed([end - 4], [11]), model, [end], **asked)
    last = log.items[end - 3 : end]
    turned = asked_at(changed(np.arange(end - 3, end), last[::-1]), model, [end], **asked)

    assert end - log.offsets[0] > 4
    assert len(set(last.tolist())) > 1
    assert old == before
    assert turned != before


def test_short_histories_are_read_beside_long_ones_as_alone():
    log, _, model = learned(LSTMClassifier(), SHORT)
    starts = log.offsets[:3]
    ends = [int(starts[0]) + 3, int(starts[1]) + 1, int(starts[2])]

    together = asked_at(log, model, ends, users=[0, 1, 2], items=[4, 5, 6])

    alone = [
        asked_at(log, model, [end], users=[user], items=[item])[0]
        for end, user, item in zip(ends, [0, 1, 2], [4, 5, 6], strict=True)
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)
