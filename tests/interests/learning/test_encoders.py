"""What every encoder promises, whatever reads the history."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from interests.learning import checkpoints, scoring, trainer
from interests.learning.config import ENCODERS, TrainingConfig
from interests.learning.networks.convolutional import ConvolutionBlock
from tests.interests.learning.logs import chain
from tests.interests.learning.test_interest_network import inputs, network_on

CPU = torch.device("cpu")
ALL = pytest.mark.parametrize("encoder", ENCODERS)


@ALL
def test_hidden_states_do_not_look_ahead_and_padding_changes_nothing(encoder, device):
    network, whole = network_on(device, encoder=encoder), inputs(device)

    hidden = network(*whole)
    early = network(*(part[:, :4] for part in whole))
    padded = network(*(functional.pad(part[:, :4], (0, 3)) for part in whole))

    torch.testing.assert_close(hidden[:, :4], early)
    torch.testing.assert_close(padded[:, :4], early)


@ALL
def test_every_event_counts(encoder, device):
    network, whole = network_on(device, encoder=encoder), inputs(device, rows=1)
    last = network(*whole)[0, -1]

    for place in range(7):
        items = whole[0].clone()
        items[0, place] = items[0, place] % 8 + 1
        assert not torch.allclose(network(items, *whole[1:])[0, -1], last, atol=1e-6), place


@ALL
@pytest.mark.parametrize("num_blocks", [1, 2])
def test_last_is_what_follows_the_last_event(encoder, num_blocks, device):
    network = network_on(device, encoder=encoder, num_blocks=num_blocks)
    whole, lengths = inputs(device, rows=4), torch.tensor([7, 1, 4, 7], device=device)

    last = network.last(*whole, lengths)

    torch.testing.assert_close(last, network(*whole)[torch.arange(4), lengths - 1])


@ALL
def test_network_learns_what_comes_next_and_is_loaded_as_it_was_saved(
    encoder, small_config, tmp_path
):
    config = dataclasses.replace(small_config, encoder=encoder, max_epochs=8)
    users = np.arange(5)

    trained = trainer.fit(chain(), config=config, device=CPU)
    checkpoints.save(trained, tmp_path)

    assert trained.results["validation"] == {"ndcg@10": 1.0, "recall@10": 1.0}
    np.testing.assert_array_equal(
        scoring.scores(checkpoints.load(tmp_path), chain(), users=users),
        scoring.scores(trained, chain(), users=users),
    )


@ALL
def test_stopped_training_goes_on_as_if_it_had_not_been(encoder, small_config, tmp_path):
    config = dataclasses.replace(small_config, encoder=encoder, max_epochs=2)
    whole = trainer.fit(chain(), config=config, device=CPU)
    asked = iter(range(1, 1000))

    with pytest.raises(trainer.TrainingStopped):
        trainer.fit(
            chain(), config=config, directory=tmp_path, device=CPU,
            is_stopped=lambda: next(asked) == 3,
        )  # fmt: skip
    resumed = trainer.fit(chain(), config=config, directory=tmp_path, device=CPU)

    assert resumed.results["curves"] == whole.results["curves"]


def test_convolutions_of_two_blocks_reach_thirty_events_back():
    torch.manual_seed(0)
    config = TrainingConfig(width=8, encoder="cnn", dropout=0.0)
    first, second = (ConvolutionBlock(config, number=number) for number in range(2))
    hidden = torch.randn(1, 40, 8, requires_grad=True)

    second(first(hidden))[0, -1].sum().backward()

    reached = hidden.grad[0].abs().sum(1) > 0
    assert reached.nonzero()[:, 0].tolist() == list(range(9, 40))
