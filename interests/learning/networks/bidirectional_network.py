"""A transformer that looks both ways and fills in what is hidden: an event within, or the one after the last.

Sun et al., "BERT4Rec: Sequential Recommendation with Bidirectional Encoder Representations from Transformer", CIKM 2019.

Legend: B histories, L their length, T = L + 1 places with the one that comes next, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from interests.learning.config import TrainingConfig
from interests.learning.networks.interest_network import INITIAL_SCALE, InterestNetwork
from interests.learning.networks.parts import Block
from interests.learning.sequences import HIDDEN, PADDING


class BidirectionalNetwork(InterestNetwork):
    """Behind each history stands a mask, whose state scores what comes next.

    In training other events are masked too (see `augmenting`), and the state at the mask scores what was
    there. Places are counted from the end, so that the mask behind a history is always at the same one.
    """

    def __init__(
        self, *, num_items: int, num_kinds: int, config: TrainingConfig, num_features: int = 0
    ) -> None:
        super().__init__(
            num_items=num_items, num_kinds=num_kinds, config=config, num_features=num_features
        )
        self.mask = nn.Parameter(INITIAL_SCALE * torch.randn(config.width))
        if self.positions is not None:
            self.positions = nn.Embedding(config.max_length + 1, config.width)
            nn.init.normal_(self.positions.weight, std=INITIAL_SCALE)

    def forward(self, items: Tensor, kinds: Tensor, gaps: Tensor) -> Tensor:
        """Return the state of a mask behind each event, each asked on its own. [B, L, D]"""
        B, L = items.shape
        lengths = torch.arange(1, L + 1, device=items.device).repeat(B)
        whole = [part.repeat_interleave(L, 0) for part in (items, kinds, gaps)]
        return self.last(whole[0], whole[1], whole[2], lengths).view(B, L, -1)

    def encode(self, vectors: Tensor, items: Tensor, kinds: Tensor, gaps: Tensor) -> Tensor:
        """Return, for each event, the state of the place after it, all looking at all. [B, L, D]"""
        lengths = (items != PADDING).sum(1)
        hidden, is_real = self._with_mask(vectors, items, kinds, gaps, lengths)
        for block in self.blocks:
            hidden = block(hidden, is_real)
        return self._answer(hidden[:, 1:])

    def last(self, items: Tensor, kinds: Tensor, gaps: Tensor, lengths: Tensor) -> Tensor:
        assert not self.training, "dropout is for all events of a history"
        vectors = self.looked_up(items)
        hidden, is_real = self._with_mask(vectors, items, kinds, gaps, lengths)
        *before, final = self.blocks
        assert isinstance(final, Block)
        for block in before:
            hidden = block(hidden, is_real)
        return self._answer(final.last(hidden, lengths + 1))

    def _with_mask(
        self, vectors: Tensor, items: Tensor, kinds: Tensor, gaps: Tensor, lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return what goes in with a mask behind each history, and which places are not padding. [B, T, D], [B, T]"""
        places = torch.arange(items.shape[1] + 1, device=items.device)
        is_end = places == lengths[:, None]  # [B, T]
        is_masked = is_end | functional.pad(items == HIDDEN, (0, 1))
        hidden = torch.where(is_masked[..., None], self.mask, functional.pad(vectors, (0, 0, 0, 1)))
        if self.kinds is not None:
            hidden = hidden + self.kinds(_unsaid(kinds, is_masked))
        if self.gaps is not None:
            hidden = hidden + self.gaps(_unsaid(gaps, is_masked))
        if self.positions is not None:
            hidden = hidden + self.positions((lengths[:, None] - places).clamp(min=0))
        return self.dropout(hidden), places <= lengths[:, None]


def _unsaid(numbers: Tensor, is_masked: Tensor) -> Tensor:
    """Return the numbers of a column with one more place, 0 where the event is hidden. [B, T]"""
    return functional.pad(numbers, (0, 1)).masked_fill(is_masked, 0)
