"""A network over one end user's history that ranks the whole catalogue for the next event.

What reads the history is a causal transformer, unless the settings say otherwise.

Its parts can be switched off one by one (see `TrainingConfig`), so that each one's worth can be measured.

Legend: B histories, L their length, D width, N items, M items asked for, F features.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from interests.learning.config import TrainingConfig
from interests.learning.item_features import ItemFeatures
from interests.learning.networks.blocks import blocks_of
from interests.learning.networks.int8 import Int8Bag, Int8Embedding
from interests.learning.networks.interests import interests_of
from interests.learning.networks.parts import Dropout, norm_of, normalised
from interests.learning.sequences import HIDDEN, NUM_GAPS

INITIAL_SCALE = 0.02


class InterestNetwork(nn.Module):
    """Hidden states of histories, and scores of all items under them.

    An item's vector is its own embedding plus the mean of its features' embeddings; the same vector
    goes in as an event and comes out as a score. With a temperature the score is the cosine of hidden
    state and vector, divided by the temperature; without one it is their product.

    A person may have several hidden states, one beside the other (`num_interests`): then each item is
    scored by the one that it suits best.

    The time of the request is unknown: an event carries the gap before it, never the gap to its target.
    """

    def __init__(
        self,
        *,
        num_items: int,
        num_kinds: int,
        config: TrainingConfig,
        num_features: int = 0,
    ) -> None:
        """Build an untrained network.

        Args:
            num_kinds: how many numbers of kinds there are, 0 for unknown kinds included.
            num_features: how many features items may have.
        """
        super().__init__()
        self.config = config
        self.items: nn.Embedding | Int8Embedding = nn.Embedding(num_items, config.width)
        self.kinds = nn.Embedding(num_kinds, config.width) if config.use_kinds else None
        self.gaps = nn.Embedding(NUM_GAPS, config.width) if config.use_gaps else None
        self.positions = (
            nn.Embedding(config.max_length, config.width) if config.use_positions else None
        )
        self.features: nn.EmbeddingBag | Int8Bag | None = (
            nn.EmbeddingBag(num_features, config.width, mode="mean") if num_features else None
        )
        # Of the items, while it learns; afterwards an item's embedding holds them too, see `settle`.
        self.item_features: ItemFeatures | None = None
        self.dropout = Dropout(config.dropout)
        self.blocks = blocks_of(config)
        self.interests = interests_of(config)
        self.norm = norm_of(config)
        # How often each item is wanted by anybody; the hidden state says what this person adds.
        self.item_bias = nn.Parameter(torch.zeros(num_items))
        self.apply(_initialise)
        self._kept: dict[str, Tensor] = {}

    @property
    def width(self) -> int:
        """Length of hidden states, all interests together."""
        return self.config.width * self.config.num_interests

    def forward(self, items: Tensor, kinds: Tensor, gaps: Tensor) -> Tensor:
        """Return the hidden state after each event, which scores what comes next.

        Args:
            items: 1 to N, 0 at the padded end, int64. [B, L], L at most `config.max_length`
            kinds: number of kind and value level, 0 for unknown, int64. [B, L]
            gaps: bucket of the gap before the event, int64. [B, L]

        Returns:
            float. [B, L, K * D]
        """
        assert items.shape == kinds.shape == gaps.shape and items.ndim == 2
        vectors = self.looked_up(items)
        return self.encode(vectors, items, kinds, gaps)

    def encode(self, vectors: Tensor, items: Tensor, kinds: Tensor, gaps: Tensor) -> Tensor:
        """Return the hidden state after each event, given the vectors of the events' items. [B, L, K * D]"""
        if self.config.mask:
            vectors = vectors * (items != HIDDEN)[..., None]
        hidden = self._inputs(vectors, kinds, gaps)
        for block in self.blocks:
            hidden = block(hidden)
        return self._answer(hidden if self.interests is None else self.interests(hidden))

    def last(self, items: Tensor, kinds: Tensor, gaps: Tensor, lengths: Tensor) -> Tensor:
        """Return what `forward` returns after the last event of each history; in evaluation mode.

        The last block works on one event of each history instead of all: of two blocks a third less to do.

        Args:
            lengths: events of each history, 1 to L, int64. [B]

        Returns:
            float. [B, K * D]
        """
        assert not self.training, "dropout is for all events of a history"
        vectors = self.looked_up(items)
        hidden = self._inputs(vectors, kinds, gaps)
        if self.interests is not None:
            for block in self.blocks:
                hidden = block(hidden)
            rows = torch.arange(len(hidden), device=hidden.device)
            return self._answer(self.interests(hidden)[rows, lengths - 1])
        *before, final = self.blocks
        for block in before:
            hidden = block(hidden)
        return self._answer(final.last(hidden, lengths))  # type: ignore[operator]

    def _inputs(self, vectors: Tensor, kinds: Tensor, gaps: Tensor) -> Tensor:
        """Add to the vectors of the events' items what else is known of the events. [B, L, D]"""
        length = vectors.shape[1]
        assert length <= self.config.max_length
        hidden = vectors
        if self.kinds is not None:
            hidden = hidden + self.kinds(kinds)
        if self.gaps is not None:
            hidden = hidden + self.gaps(gaps)
        if self.positions is not None:
            hidden = hidden + self.positions(torch.arange(length, device=vectors.device))
        dropped: Tensor = self.dropout(hidden)
        return dropped

    def _answer(self, states: Tensor) -> Tensor:
        """Return what scores items, of the states of one interest [.., D] or several [.., K, D]. [.., K * D]"""
        scaled = self._scaled(self.norm(states), self.config.temperature)
        return scaled if self.interests is None else scaled.flatten(-2)

    def looked_up(self, items: Tensor) -> Tensor:
        """Return the vectors of a batch's items, which count from 1. [B, L] -> [B, L, D]"""
        places = (items - 1).clamp(min=0)
        if isinstance(self.items, Int8Embedding):
            found: Tensor = self.items(places)
            return found
        return functional.embedding(places, self.item_vectors())

    def item_vectors(self, items: Tensor | None = None) -> Tensor:
        """Return the vectors of items as they go in.

        Args:
            items: index from 0, int64 [M]; None is all of them, worked out once in evaluation mode.

        Returns:
            float. [M, D]
        """
        if self.item_features is None:
            return self.items.weight if items is None else self.items(items)
        if items is None:
            return self._keep("vectors", self._with_features)
        return self._with_features(items)

    def item_weights(self, vectors: Tensor | None = None) -> Tensor:
        """Return what hidden states are multiplied with to score items.

        Args:
            vectors: of the items to score, from `item_vectors` [M, D]; None for all items.

        Returns:
            float. [M, D]
        """
        if vectors is not None:
            return self._scaled(vectors, 1.0)
        return self._keep("weights", lambda: self._scaled(self.item_vectors(), 1.0))

    def scores(self, hidden: Tensor) -> Tensor:
        """Return each item's score (log-odds up to a constant) under hidden states. [.., K * D] -> [.., N]"""
        if self.interests is None:
            return functional.linear(hidden, self.item_weights(), self.item_bias)
        return self.products(hidden, self.item_weights()) + self.item_bias

    def products(self, hidden: Tensor, weights: Tensor) -> Tensor:
        """Return the products of hidden states with items, the best of several interests.

        Args:
            hidden: float. [.., K * D]
            weights: of some items. [M, D]

        Returns:
            float. [.., M]
        """
        if self.interests is None:
            return functional.linear(hidden, weights)
        return functional.linear(self._apart(hidden), weights).amax(-2)

    def suiting(self, hidden: Tensor, weights: Tensor) -> Tensor:
        """Return of each hidden state the interest that suits its own item best. [P, K * D], [P, D] -> [P, D]"""
        if self.interests is None:
            return hidden
        apart = self._apart(hidden)  # [P, K, D]
        best = torch.einsum("pkd,pd->pk", apart.detach(), weights.detach()).argmax(1)
        return apart[torch.arange(len(best), device=best.device), best]

    def _apart(self, hidden: Tensor) -> Tensor:
        return hidden.reshape(*hidden.shape[:-1], self.config.num_interests, -1)

    @property
    def has_int8_items(self) -> bool:
        """Tell whether it is kept in eight bits, see `compressing`."""
        return isinstance(self.items, Int8Embedding)

    def quantise_items(self, table: Int8Embedding) -> None:
        """Take these rows in place of the items' embeddings."""
        self.items = table
        self._kept = {}

    def settle(self) -> None:
        """Put what the features say of the items into the items' own embeddings, for good."""
        with torch.no_grad():
            self.items.weight.copy_(self.eval().item_vectors())
        self.item_features = None
        self._kept = {}

    @torch.no_grad()
    def grow(self, new: ItemFeatures) -> None:
        """Add items that nobody has used yet, after the others; only for a settled network.

        Each is where its features put it, and wanted as little as the least wanted item that is known.
        """
        assert self.item_features is None and self.features is not None
        vectors = torch.cat([self.items.weight, self._bag(new)])
        lowest = self.item_bias.min().expand(len(vectors) - self.items.num_embeddings)
        self.items = nn.Embedding(len(vectors), self.config.width, _weight=vectors)
        self.item_bias = nn.Parameter(torch.cat([self.item_bias, lowest]))
        self._kept = {}

    def train(self, mode: bool = True) -> InterestNetwork:
        self._kept = {}
        super().train(mode)
        return self

    def _with_features(self, items: Tensor | None = None) -> Tensor:
        assert self.item_features is not None
        if items is None:
            own, features = self.items.weight, self.item_features
        else:
            own, features = self.items(items), self.item_features.take(items.cpu().numpy())
        if self.training and self.config.own_dropout:
            # Without its own embedding an item is what a new one is: its features.
            share = self.config.own_dropout
            own = own * (torch.rand(len(own), 1, device=own.device) >= share)
        return own + self._bag(features)

    def _bag(self, features: ItemFeatures) -> Tensor:
        assert self.features is not None
        device = self.items.weight.device

        def tensor(values: NDArray[np.int64]) -> Tensor:
            return torch.from_numpy(values).to(device)

        found: Tensor = self.features(tensor(features.places), tensor(features.offsets[:-1]))
        return found

    def _scaled(self, vectors: Tensor, divisor: float) -> Tensor:
        if not self.config.temperature:
            return vectors
        return normalised(vectors, length=1 / divisor)

    def _keep(self, name: str, work_out: Callable[[], Tensor]) -> Tensor:
        """Return what is worked out, once while weights do not change: in evaluation mode."""
        if self.training or torch.is_grad_enabled():
            return work_out()
        if name not in self._kept:
            self._kept[name] = work_out()
        return self._kept[name]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding | nn.EmbeddingBag):
        nn.init.normal_(module.weight, std=INITIAL_SCALE)
