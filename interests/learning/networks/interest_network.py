"""A causal transformer over one end user's history that ranks the whole catalogue for the next event.

Legend: B histories, L their length, D width, H heads, N items.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from interests.learning.config import TrainingConfig
from interests.learning.sequences import NUM_GAPS, PADDING


class Attention(nn.Module):
    """Causal self-attention; padding stands at the end, where no real event looks."""

    def __init__(self, *, width: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.dropout = dropout
        self.project_in = nn.Linear(width, 3 * width, bias=False)
        self.project_out = nn.Linear(width, width, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        B, L, D = hidden.shape
        parts = self.project_in(hidden).view(B, L, 3, self.num_heads, D // self.num_heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each [B, H, L, D / H]
        mixed = functional.scaled_dot_product_attention(
            query, key, value, is_causal=True, dropout_p=self.dropout if self.training else 0.0
        )
        out: Tensor = self.project_out(mixed.transpose(1, 2).reshape(B, L, D))  # [B, L, D]
        return out


class GatedLayer(nn.Module):
    """SwiGLU: one projection opens and closes the other."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        inner = 2 * width
        self.project_in = nn.Linear(width, 2 * inner, bias=False)
        self.project_out = nn.Linear(inner, width, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        gate, value = self.project_in(hidden).chunk(2, dim=-1)
        out: Tensor = self.project_out(functional.silu(gate) * value)
        return out


class Block(nn.Module):
    """Attention, then the gated layer, each normalised before and added after."""

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.width)
        self.attention = Attention(
            width=config.width, num_heads=config.num_heads, dropout=config.dropout
        )
        self.layer_norm = nn.RMSNorm(config.width)
        self.layer = GatedLayer(width=config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = hidden + self.dropout(self.attention(self.attention_norm(hidden)))
        out: Tensor = hidden + self.dropout(self.layer(self.layer_norm(hidden)))
        return out


class InterestNetwork(nn.Module):
    """Hidden states of histories, and scores of all items under them.

    The time of the request is unknown: an event carries the gap before it, never the gap to its target.
    """

    def __init__(self, *, num_items: int, num_kinds: int, config: TrainingConfig) -> None:
        super().__init__()
        self.config = config
        self.items = nn.Embedding(num_items + 1, config.width, padding_idx=PADDING)
        self.kinds = nn.Embedding(num_kinds + 1, config.width, padding_idx=PADDING)
        self.gaps = nn.Embedding(NUM_GAPS, config.width)
        self.positions = nn.Embedding(config.max_length, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_blocks))
        self.norm = nn.RMSNorm(config.width)
        # How often each item is wanted by anybody; the hidden state says what this person adds.
        self.item_bias = nn.Parameter(torch.zeros(num_items))
        self.apply(_initialise)

    def forward(self, items: Tensor, kinds: Tensor, gaps: Tensor) -> Tensor:
        """Return the hidden state after each event, which scores what comes next.

        Args:
            items: 1 to N, 0 at the padded end, int64. [B, L], L at most `config.max_length`
            kinds: 1 to the number of kinds, 0 for unknown, int64. [B, L]
            gaps: bucket of the gap before the event, int64. [B, L]

        Returns:
            float. [B, L, D]
        """
        assert items.shape == kinds.shape == gaps.shape and items.ndim == 2
        assert items.shape[1] <= self.config.max_length
        places = torch.arange(items.shape[1], device=items.device)
        hidden = self.items(items) + self.kinds(kinds) + self.gaps(gaps)  # [B, L, D]
        hidden = self.dropout(hidden + self.positions(places))
        for block in self.blocks:
            hidden = block(hidden)
        out: Tensor = self.norm(hidden)
        return out

    def item_weights(self) -> Tensor:
        """Return the embeddings of the real items, without padding. [N, D]"""
        return self.items.weight[1:]

    def scores(self, hidden: Tensor) -> Tensor:
        """Return each item's score (log-odds up to a constant) under hidden states. [.., D] -> [.., N]"""
        return functional.linear(hidden, self.item_weights(), self.item_bias)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        nn.init.zeros_(module.weight[module.padding_idx])
