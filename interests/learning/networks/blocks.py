"""The blocks of a network's encoder, by the name that its settings give it."""

from __future__ import annotations

from torch import nn

from interests.learning.config import BIDIRECTIONAL, CNN, TRANSFORMER, TrainingConfig
from interests.learning.networks.convolutional import ConvolutionBlock
from interests.learning.networks.parts import Block
from interests.learning.networks.recurrent import RecurrentBlock


def blocks_of(config: TrainingConfig) -> nn.ModuleList:
    """Return blocks of which each takes hidden states [B, L, D] and returns as many.

    None looks ahead unless it is told to. Each has `last(hidden, lengths)`, in evaluation mode: the state after the last event
    of each history alone. [B, D]
    """
    return nn.ModuleList(_block(config, number=number) for number in range(config.num_blocks))


def _block(config: TrainingConfig, *, number: int) -> nn.Module:
    if config.encoder in (TRANSFORMER, BIDIRECTIONAL):
        return Block(config)
    if config.encoder == CNN:
        return ConvolutionBlock(config, number=number)
    return RecurrentBlock(config)
