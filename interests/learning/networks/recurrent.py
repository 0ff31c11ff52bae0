"""Recurrent units over a history: one state that each event changes.

Legend: B histories, L their length, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from interests.learning.config import GRU, LSTM, TrainingConfig
from interests.learning.networks.parts import Dropout, norm_of

UNITS: dict[str, type[nn.GRU | nn.LSTM]] = {GRU: nn.GRU, LSTM: nn.LSTM}


class RecurrentBlock(nn.Module):
    """Gated recurrent units or long short-term memory, normalised before and added after.

    Hidasi et al., "Session-based Recommendations with Recurrent Neural Networks" (GRU4Rec), ICLR 2016;
    Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997.
    """

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.norm = norm_of(config)
        self.units = UNITS[config.encoder](config.width, config.width, batch_first=True)
        self.dropout = Dropout(config.dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        # In float32 throughout: what is carried from event to event would lose a little at each.
        with torch.autocast(hidden.device.type, enabled=False):
            states, _ = self.units(self.norm(hidden).float())
        out: Tensor = hidden + self.dropout(states)  # [B, L, D]
        return out

    def last(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """Return what `forward` returns at the last event of each history. [B, D]"""
        out: Tensor = self(hidden)[torch.arange(len(hidden), device=hidden.device), lengths - 1]
        return out
