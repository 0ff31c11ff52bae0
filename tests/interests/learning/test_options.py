"""Norms, optimizers and L1: each does what it is named for, and a network learns with it."""

import dataclasses

import pytest
import torch

from interests.learning import checkpoints, preparation, trainer
from interests.learning.config import NORMS, OPTIMIZERS, TrainingConfig
from interests.learning.distributed import ALONE
from interests.learning.learner import Learner
from interests.learning.networks.parts import norm_of
from tests.interests.learning.logs import chain

CPU = torch.device("cpu")


def learner(**changes) -> Learner:
    config = TrainingConfig(width=8, max_length=6, warmup_steps=1, **changes)
    torch.manual_seed(0)
    return Learner(preparation.prepare(chain(), config=config), config, device=CPU)


def step_with(found: Learner, gradient: float) -> None:
    """Make one step in which every weight has the same gradient."""
    for weights in found.network.parameters():
        weights.grad = torch.full_like(weights, gradient)
    loss = gradient * sum(weights.sum() for weights in found.network.parameters())
    found.learn(loss, step=5, ranks=ALONE)


def test_norms_bring_units_or_events_to_one_size():
    torch.manual_seed(0)
    hidden = 3 + 2 * torch.randn(4, 50, 8)
    normed = {
        norm: norm_of(TrainingConfig(width=8, norm=norm)).train()(hidden).detach() for norm in NORMS
    }

    torch.testing.assert_close(normed["none"], hidden)
    torch.testing.assert_close(normed["rms"].square().mean(-1), torch.ones(4, 50))
    torch.testing.assert_close(normed["layer"].mean(-1), torch.zeros(4, 50), atol=1e-5, rtol=0)
    torch.testing.assert_close(normed["batch"].mean((0, 1)), torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(normed["batch"].var((0, 1)), torch.ones(8), atol=1e-2, rtol=0)


def test_batch_norm_keeps_what_it_saw_for_later_and_for_single_events():
    layer = norm_of(TrainingConfig(width=8, norm="batch")).train()
    for _ in range(100):
        layer(5 + torch.randn(64, 8))

    alone = layer(torch.full((1, 1, 8), 5.0))
    in_use = layer.eval()(torch.full((2, 8), 5.0))

    assert alone.abs().max() < 0.3
    assert in_use.abs().max() < 0.3


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("encoder", ["transformer", "cnn"])
def test_network_learns_with_each_norm_and_is_loaded(norm, encoder, small_config, tmp_path):
    config = dataclasses.replace(small_config, norm=norm, encoder=encoder, max_epochs=6)

    trained = trainer.fit(chain(), config=config, device=CPU)
    checkpoints.save(trained, tmp_path)
    loaded = checkpoints.load(tmp_path)

    assert trained.results["validation"]["recall@10"] == 1.0
    for name, tensor in trained.network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor), name


@pytest.mark.parametrize(("optimizer", "rate"), [("adamw", 0.01), ("adam", 0.01), ("sgd", 1.0)])
def test_network_learns_with_each_optimizer_and_goes_on_after_a_stop(
    optimizer, rate, small_config, tmp_path
):
    assert optimizer in OPTIMIZERS
    config = dataclasses.replace(
        small_config, optimizer=optimizer, learning_rate=rate, weight_decay=1e-4, max_epochs=6
    )
    whole = trainer.fit(chain(), config=config, device=CPU)
    asked = iter(range(1, 1000))

    with pytest.raises(trainer.TrainingStopped):
        trainer.fit(
            chain(), config=config, directory=tmp_path, device=CPU,
            is_stopped=lambda: next(asked) == 9,
        )  # fmt: skip
    resumed = trainer.fit(chain(), config=config, directory=tmp_path, device=CPU)

    assert whole.results["validation"]["recall@10"] == 1.0
    assert resumed.results["curves"] == whole.results["curves"]


def test_l1_takes_its_size_off_each_weight_and_leaves_no_change_of_sign():
    found = learner(l1=0.5, learning_rate=0.1, optimizer="sgd", weight_decay=0.0)
    with torch.no_grad():
        found.network.items.weight[0] = torch.tensor([1.0, -1.0, 0.04, -0.04, 0, 2, -2, 0.05])
        before = found.network.item_bias.clone()

    step_with(found, 0.0)

    expected = torch.tensor([0.95, -0.95, 0, 0, 0, 1.95, -1.95, 0])
    torch.testing.assert_close(found.network.items.weight[0].detach(), expected)
    torch.testing.assert_close(found.network.item_bias.detach(), before)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_weight_decay_pulls_weights_to_0_and_leaves_biases(optimizer):
    found = learner(weight_decay=0.5, learning_rate=0.001, optimizer=optimizer)
    weights, bias = found.network.items.weight, found.network.item_bias
    before, bias_before = weights.detach().clone(), bias.detach().clone()

    step_with(found, 0.0)

    assert weights.detach().norm() < before.norm()
    torch.testing.assert_close(bias.detach(), bias_before)
