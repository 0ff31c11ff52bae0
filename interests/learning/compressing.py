"""Trained networks made smaller for serving: weights of eight bits, or the small ones left out.

What each costs in NDCG and gains in bytes and time, `python -m benchmarks.compression` measures.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import nn

from interests.learning.networks.averaged_network import AveragedNetwork
from interests.learning.networks.int8 import Int8Bag, Int8Embedding, Int8Linear
from interests.learning.networks.interest_network import InterestNetwork
from interests.learning.trained import TrainedNetwork


def quantised(trained: TrainedNetwork) -> TrainedNetwork:
    """Return the same network with items, features and linear layers of eight bits; see `networks.int8`.

    What is small (norms, biases, kinds, gaps, places) and what recurrent units have of their own stay as they
    are. It scores, is saved and is loaded like any other; it can no longer be trained.
    """
    network = copy.deepcopy(trained.network)
    quantise(network)
    return replace(trained, network=network.eval())


def quantise(network: InterestNetwork | AveragedNetwork) -> None:
    """Put layers of eight bits in the place of others, in a settled network."""
    if isinstance(network, AveragedNetwork):
        for member in network.members:
            quantise(member)
        return
    assert network.item_features is None, "only what has learned is quantised"
    assert isinstance(network.items, nn.Embedding), "it has eight bits already"
    network.quantise_items(Int8Embedding(network.items))
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Linear):
                setattr(module, name, Int8Linear(child))
            elif isinstance(child, nn.EmbeddingBag):
                setattr(module, name, Int8Bag(child))


@torch.no_grad()
def pruned(trained: TrainedNetwork, *, share: float) -> TrainedNetwork:
    """Return the same network with a share of each matrix's weights 0, those nearest to it.

    Han et al., "Learning both Weights and Connections for Efficient Neural Networks", NeurIPS 2015, without
    training again. The matrices keep their shape, so products take as long as before; the file packs better.

    Args:
        share: 0 or more, below 1.
    """
    assert 0 <= share < 1
    network = copy.deepcopy(trained.network)
    for weights in network.parameters():
        count = round(share * weights.numel())
        if weights.ndim >= 2 and count:
            limit = weights.abs().flatten().kthvalue(count).values
            weights.masked_fill_(weights.abs() <= limit, 0)
    return replace(trained, network=network.eval())
