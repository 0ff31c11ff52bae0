"""Causal convolutions over a history: each event sees the few before it, deeper blocks further back.

Legend: B histories, L their length, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from interests.learning.config import TrainingConfig
from interests.learning.networks.parts import Dropout, norm_of

# Events that a convolution sees at once.
KERNEL = 3
# How far apart they stand in the two convolutions of the first block; each further block quadruples it, so
# that two blocks reach 30 events back and three 126.
DILATIONS = (1, 2)


class ConvolutionBlock(nn.Module):
    """Two dilated causal convolutions, each normalised before; their sum with what went in comes out.

    Yuan et al., "A Simple Convolutional Generative Network for Next Item Recommendation" (NextItNet), WSDM
    2019; that convolutions tell the next choice is of Tang and Wang, "Caser", WSDM 2018.
    """

    def __init__(self, config: TrainingConfig, *, number: int) -> None:
        """Build block `number`, from 0."""
        super().__init__()
        self.dilations = tuple(dilation * 4**number for dilation in DILATIONS)
        self.norms = nn.ModuleList(norm_of(config) for _ in DILATIONS)
        self.layers = nn.ModuleList(
            nn.Linear(KERNEL * config.width, config.width) for _ in DILATIONS
        )
        self.dropout = Dropout(config.dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        changed = hidden
        for norm, layer, dilation in zip(self.norms, self.layers, self.dilations, strict=True):
            changed = layer(_with_past(functional.silu(norm(changed)), dilation))
        out: Tensor = hidden + self.dropout(changed)  # [B, L, D]
        return out

    def last(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """Return what `forward` returns at the last event of each history. [B, D]"""
        out: Tensor = self(hidden)[torch.arange(len(hidden), device=hidden.device), lengths - 1]
        return out


def _with_past(hidden: Tensor, dilation: int) -> Tensor:
    """Put beside each event those `dilation` and twice that before it, zeros before the first. [B, L, 3 D]"""
    length = hidden.shape[1]
    back = [
        functional.pad(hidden, (0, 0, step * dilation, 0))[:, :length] for step in range(KERNEL)
    ]
    return torch.cat(back, dim=-1)
