"""Several networks of one shape, trained from different seeds, that rank by the mean of their scores.

Legend: K members, D width of one, N items.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from interests.learning.item_features import ItemFeatures
from interests.learning.networks.interest_network import InterestNetwork


class AveragedNetwork(nn.Module):
    """Used as one `InterestNetwork` of width K * D: a mean of products is the product of what is joined."""

    def __init__(self, members: Sequence[InterestNetwork]) -> None:
        super().__init__()
        assert members, "there must be a member"
        self.members: list[InterestNetwork] = nn.ModuleList(members)  # type: ignore[assignment]
        self.config = members[0].config

    @property
    def width(self) -> int:
        return sum(member.width for member in self.members)

    @property
    def has_int8_items(self) -> bool:
        """Tell whether it is kept in eight bits."""
        return self.members[0].has_int8_items

    @property
    def item_bias(self) -> Tensor:
        return torch.stack([member.item_bias for member in self.members]).mean(0)

    def forward(self, items: Tensor, kinds: Tensor, gaps: Tensor) -> Tensor:
        """Return the hidden state after each event, see `InterestNetwork.forward`. [B, L, K * D]"""
        hidden = torch.cat([member(items, kinds, gaps) for member in self.members], dim=-1)
        return hidden / len(self.members)

    def last(self, items: Tensor, kinds: Tensor, gaps: Tensor, lengths: Tensor) -> Tensor:
        """Return the hidden state after the last event, see `InterestNetwork.last`. [B, K * D]"""
        hidden = [member.last(items, kinds, gaps, lengths) for member in self.members]
        return torch.cat(hidden, dim=-1) / len(self.members)

    def item_weights(self) -> Tensor:
        """Return what hidden states are multiplied with to score items. [N, K * D]"""
        return torch.cat([member.item_weights() for member in self.members], dim=-1)

    def scores(self, hidden: Tensor) -> Tensor:
        """Return each item's mean score under hidden states. [.., K * D] -> [.., N]"""
        return functional.linear(hidden, self.item_weights(), self.item_bias)

    def products(self, hidden: Tensor, weights: Tensor) -> Tensor:
        """Return the mean products of hidden states with items. [.., K * D], [M, K * D] -> [.., M]"""
        return functional.linear(hidden, weights)

    def grow(self, new: ItemFeatures) -> None:
        """Add items that nobody has used yet, see `InterestNetwork.grow`."""
        for member in self.members:
            member.grow(new)
