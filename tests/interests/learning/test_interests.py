import dataclasses

import numpy as np
import pytest
import torch

from interests.learning import attribution, checkpoints, scoring, trainer
from interests.learning.config import ROUTINGS, TrainingConfig
from interests.learning.networks.interests import interests_of
from tests.interests.learning.logs import chain
from tests.interests.learning.test_interest_network import inputs, network_on

CPU = torch.device("cpu")
BOTH = pytest.mark.parametrize("routing", ROUTINGS)


def made(routing="attention", num_interests=3):
    torch.manual_seed(0)
    return interests_of(
        TrainingConfig(width=8, max_length=7, num_interests=num_interests, routing=routing)
    )


def test_one_interest_needs_nothing():
    assert made(num_interests=1) is None


def test_interests_that_weigh_all_alike_are_the_mean_of_what_was():
    layer, hidden = made(), torch.randn(2, 4, 8)
    torch.nn.init.zeros_(layer.project_out.weight)

    found = layer(hidden)

    assert found.shape == (2, 4, 3, 8)
    for place in range(4):
        expected = hidden[:, : place + 1].mean(1)
        for interest in range(3):
            torch.testing.assert_close(found[:, place, interest], expected)


def test_interest_may_look_at_what_was_last_alone():
    layer, hidden = made(), torch.randn(2, 4, 8)
    torch.nn.init.zeros_(layer.project_out.weight)
    with torch.no_grad():
        layer.ages[1, 1:] = -torch.inf

    torch.testing.assert_close(layer(hidden)[:, :, 1], hidden)


@BOTH
def test_interests_differ_and_do_not_look_ahead(routing):
    layer, hidden = made(routing), torch.randn(2, 6, 8)

    found = layer(hidden)

    torch.testing.assert_close(layer(hidden[:, :3]), found[:, :3])
    assert not torch.allclose(found[:, -1, 0], found[:, -1, 1])


def test_capsules_are_shorter_than_1_and_point_where_their_events_do():
    layer = made("capsules", num_interests=2)
    torch.nn.init.eye_(layer.project.weight)
    hidden = torch.zeros(1, 2, 8)
    hidden[0, :, 0] = 100.0

    found = layer(hidden)

    # One event, divided: each part's direction is the event's, its length near but below 1.
    assert (found.norm(dim=-1) < 1).all()
    torch.testing.assert_close(found[..., 1:], torch.zeros(1, 2, 2, 7))
    assert (found[0, 1, :, 0] > 0.9).any()


def test_score_is_that_of_the_best_interest_and_the_bias(device):
    network = network_on(device, num_interests=2, temperature=0)
    with torch.no_grad():
        network.items.weight.zero_()
        network.items.weight[:, 0] = 1.0
        network.item_bias.copy_(torch.arange(9.0))
    hidden = torch.zeros(1, 16, device=device)
    hidden[0, 0], hidden[0, 8] = 3.0, 5.0

    torch.testing.assert_close(network.scores(hidden)[0], 5.0 + network.item_bias)


def test_each_target_is_told_from_the_interest_that_suits_it_best():
    network = network_on(CPU, num_interests=2)
    hidden, items = torch.zeros(2, 16), torch.zeros(2, 8)
    hidden[:, 0], hidden[:, 9] = 1.0, 1.0  # the first interest points one way, the second another
    items[0, 1], items[1, 0] = 1.0, 1.0

    found = network.suiting(hidden, items)

    torch.testing.assert_close(found, items)


@BOTH
@pytest.mark.parametrize("num_blocks", [0, 1])
def test_last_is_what_follows_the_last_event(routing, num_blocks, device):
    network = network_on(device, num_interests=3, routing=routing, num_blocks=num_blocks)
    whole, lengths = inputs(device, rows=3), torch.tensor([7, 1, 4], device=device)

    last = network.last(*whole, lengths)

    assert last.shape == (3, 24)
    torch.testing.assert_close(last, network(*whole)[torch.arange(3), lengths - 1])


@BOTH
def test_network_learns_what_comes_next_and_is_loaded_as_it_was_saved(
    routing, small_config, tmp_path
):
    config = dataclasses.replace(small_config, num_interests=2, routing=routing, max_epochs=8)
    users = np.arange(5)

    trained = trainer.fit(chain(), config=config, device=CPU)
    checkpoints.save(trained, tmp_path)

    scores = scoring.scores(trained, chain(), users=users)
    assert trained.results["validation"]["recall@10"] == 1.0
    np.testing.assert_array_equal(
        scoring.scores(checkpoints.load(tmp_path), chain(), users=users), scores
    )
    with torch.inference_mode():
        own = trained.histories(chain())
        last = scoring._last_hidden(trained, own, users)
        expected = trained.network.scores(last).numpy() + trained.trend
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


def test_gains_are_differences_of_scores(small_config):
    config = dataclasses.replace(small_config, num_interests=2, max_epochs=1, trend=0.0)
    trained, log = trainer.fit(chain(), config=config, device=CPU), chain(length=5)
    shorter = log.take(np.arange(log.num_events) != log.offsets[1] - 1)
    items = np.arange(12)[None]

    (gains,) = attribution.gains(trained, log, users=np.array([0]), items=items, last=1)

    users = np.array([0])
    expected = scoring.scores(trained, log, users=users) - scoring.scores(
        trained, shorter, users=users
    )
    np.testing.assert_allclose(gains.gains, expected, atol=1e-4)
