"""A network that is learning: its optimizer, its loss over a batch, and one step.

Legend: B windows of a batch, L their length, P positions with a target, D width, S items scored.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from interests.learning import devices
from interests.learning.config import TrainingConfig
from interests.learning.losses import Candidates, CandidateSampler, softmax_cross_entropy
from interests.learning.networks.interest_network import InterestNetwork
from interests.learning.preparation import Prepared
from interests.learning.sequences import Batch


class Learner:
    """Attributes: `network`, in training mode while a step is made, and `optimizer`."""

    def __init__(self, prepared: Prepared, config: TrainingConfig, *, device: torch.device) -> None:
        """Begin with random weights from torch's generator, and items as popular as they are."""
        self.config = config
        self.network = _untrained(prepared, config).to(device)
        self.optimizer = _optimizer(self.network, config)
        self.dtype = torch.bfloat16 if devices.is_bfloat16_faster(device) else torch.float32
        self.sampler = (
            CandidateSampler(prepared.item_counts, count=config.num_candidates)
            if 0 < config.num_candidates < len(prepared.item_ids)
            else None
        )

    def loss(self, part: Batch, *, seed: Sequence[int]) -> Tensor:
        """Return the mean cross-entropy of a batch's targets, in nats.

        Args:
            seed: of what is drawn for this batch.
        """
        network = self.network.train()
        has_target = part.targets > 0
        targets = part.targets[has_target] - 1  # [P]
        candidates = None
        if self.sampler is not None:
            candidates = self.sampler.draw(targets, random=np.random.default_rng(seed))
        with torch.autocast(
            targets.device.type, torch.bfloat16, enabled=self.dtype is torch.bfloat16
        ):
            inputs, outputs = _vectors(network, part.items, candidates)
            hidden = network.encode(inputs, part.kinds, part.gaps)  # [B, L, D]
            items = network.item_weights(outputs)  # [S, D]
        bias: Tensor = network.item_bias
        own_bias = None
        if candidates is not None:
            targets = candidates.places_of(targets)
            own_bias = candidates.log_probability
            bias = bias[candidates.items] - own_bias
        return softmax_cross_entropy(
            hidden=hidden[has_target].to(self.dtype),  # [P, D]
            items=items.to(self.dtype),
            bias=bias.to(self.dtype),
            targets=targets,
            own_bias=own_bias,
        )

    def learn(self, loss: Tensor, *, step: int) -> None:
        """Change the weights by the gradient of a loss.

        Args:
            step: how many steps were made before.
        """
        warmed_up = min((step + 1) / self.config.warmup_steps, 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * warmed_up
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_norm)
        self.optimizer.step()


def _vectors(
    network: InterestNetwork, items: Tensor, candidates: Candidates | None
) -> tuple[Tensor, Tensor]:
    """Return the vectors of a batch's events and of the items to score, each item's worked out once.

    Args:
        items: 1 to N, 0 where padded. [B, L]
        candidates: the items to score; None for all.

    Returns:
        float [B, L, D] and float [S, D]
    """
    places = (items - 1).clamp(min=0)
    if candidates is None:
        vectors = network.item_vectors()
        return functional.embedding(places, vectors), vectors
    needed, back = torch.unique(
        torch.cat([candidates.items, places.flatten()]), return_inverse=True
    )
    vectors = network.item_vectors(needed)  # [M, D]
    count = len(candidates.items)
    inputs = functional.embedding(back[count:].view(items.shape), vectors)
    return inputs, vectors[back[:count]]


def _untrained(prepared: Prepared, config: TrainingConfig) -> InterestNetwork:
    """Return a network that ranks by popularity, which it would learn first and slowly."""
    network = InterestNetwork(
        num_items=len(prepared.item_ids),
        num_kinds=prepared.kinds.count,
        config=config,
        num_features=len(prepared.features.names) if prepared.features else 0,
    )
    network.item_features = prepared.features
    counts = prepared.item_counts
    shares = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    with torch.no_grad():
        network.item_bias.copy_(torch.from_numpy(np.log(shares)))
    return network


def _optimizer(network: InterestNetwork, config: TrainingConfig) -> torch.optim.Optimizer:
    parameters = list(network.parameters())
    decayed = [parameter for parameter in parameters if parameter.ndim >= 2]
    others = [parameter for parameter in parameters if parameter.ndim < 2]
    return torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": config.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        betas=(0.9, 0.98),
        fused=True,
    )
