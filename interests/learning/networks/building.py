"""The network that some settings ask for."""

from __future__ import annotations

from interests.learning.config import BIDIRECTIONAL, TrainingConfig
from interests.learning.networks.bidirectional_network import BidirectionalNetwork
from interests.learning.networks.interest_network import InterestNetwork


def build(
    *, num_items: int, num_kinds: int, config: TrainingConfig, num_features: int = 0
) -> InterestNetwork:
    """Return an untrained network, see `InterestNetwork`."""
    network = BidirectionalNetwork if config.encoder == BIDIRECTIONAL else InterestNetwork
    return network(
        num_items=num_items, num_kinds=num_kinds, config=config, num_features=num_features
    )
