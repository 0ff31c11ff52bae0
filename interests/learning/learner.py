"""A network that is learning: its optimizer, its loss over a batch, and one step.

Legend: B windows of a batch, L their length, P positions with a target, D width, S items scored.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from interests.learning import devices
from interests.learning.config import ADAM, SGD, TrainingConfig
from interests.learning.distributed import Ranks
from interests.learning.losses import Candidates, CandidateSampler, softmax_cross_entropy
from interests.learning.networks.building import build
from interests.learning.networks.interest_network import InterestNetwork
from interests.learning.preparation import Prepared
from interests.learning.sequences import Batch, Targets

# Small windows and a few of them, to find out whether a compiler can do its work at all.
TRIAL_SHAPE = (3, 2)


class Learner:
    """Attributes: `network`, in training mode while a step is made, and `optimizer`."""

    def __init__(
        self,
        prepared: Prepared,
        config: TrainingConfig,
        *,
        device: torch.device,
        backend: str | None = None,
    ) -> None:
        """Begin with random weights from torch's generator, and items as popular as they are.

        Args:
            backend: of `torch.compile` for the encoder, None to leave it as it is.
        """
        self.config = config
        self.network = untrained(prepared, config).to(device)
        self.optimizer = _optimizer(self.network, config)
        self.dtype = torch.bfloat16 if devices.is_bfloat16_faster(device) else torch.float32
        self.sampler = (
            CandidateSampler(prepared.item_counts, count=config.num_candidates)
            if 0 < config.num_candidates < len(prepared.item_ids)
            else None
        )
        self.encode = devices.compiled(self.network.encode, backend=backend, try_out=self._try_out)

    def loss(
        self,
        part: Batch,
        asked: Targets,
        *,
        asked_of_all: NDArray[np.int64],
        seed: Sequence[int],
    ) -> Tensor:
        """Return the cross-entropy of a batch's targets, in nats, summed and divided by those of all.

        Args:
            part: the batch, or a process's part of it.
            asked: its targets.
            asked_of_all: the targets of the whole batch, 1 to N.
            seed: of what is drawn for the whole batch.
        """
        network, device = self.network.train(), part.items.device
        # Known without asking the device, which a step never waits for.
        targets = torch.from_numpy(asked.items - 1).to(device, non_blocking=True)  # [P]
        places = torch.from_numpy(asked.places).to(device, non_blocking=True)  # [P]
        candidates = None
        if self.sampler is not None:
            drawn = self.sampler.draw(
                torch.from_numpy(asked_of_all - 1), random=np.random.default_rng(seed)
            )
            candidates = drawn.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.dtype is torch.bfloat16):
            inputs, outputs = _vectors(network, part.items, candidates)
            hidden = self.encode(inputs, part.items, part.kinds, part.gaps)  # [B, L, K * D]
            items = network.item_weights(outputs)  # [S, D]
        bias: Tensor = network.item_bias
        own_bias = None
        if candidates is not None:
            targets = candidates.places_of(targets)
            own_bias = candidates.log_probability
            bias = bias[candidates.items] - own_bias
        if not len(targets):
            # Everything that was to be told was left out: nothing is learned from this batch.
            return 0 * bias.sum()
        asked_states = network.suiting(hidden.flatten(0, 1)[places], items[targets])
        mean = softmax_cross_entropy(
            hidden=asked_states.to(self.dtype),  # [P, D]
            items=items.to(self.dtype),
            bias=bias.to(self.dtype),
            targets=targets,
            own_bias=own_bias,
            # Cosines are 1 at most.
            bound=1 / self.config.temperature if self.config.temperature else None,
        )
        return mean * (len(targets) / len(asked_of_all))

    def learn(
        self, loss: Tensor | None, *, step: int, ranks: Ranks, share_of_rate: float = 1.0
    ) -> Tensor:
        """Change the weights by the gradient of the losses of all processes, and return their sum.

        Args:
            loss: of this process's part of the batch; None where it has none.
            step: how many steps were made before.
            share_of_rate: of the learning rate in the settings, above 0.
        """
        warmed_up = min((step + 1) / self.config.warmup_steps, 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * warmed_up * share_of_rate
        self.optimizer.zero_grad(set_to_none=True)
        if loss is not None:
            loss.backward()  # type: ignore[no-untyped-call]
        parameters = list(self.network.parameters())
        total = ranks.sum_gradients(parameters, loss)
        torch.nn.utils.clip_grad_norm_(parameters, self.config.gradient_norm)
        self.optimizer.step()
        if self.config.l1:
            self._shrink()
        return total

    @torch.no_grad()
    def _shrink(self) -> None:
        """Bring weights nearer to 0 by L1, after the step and beside it.

        Duchi and Singer, "Efficient Online and Batch Learning using Forward Backward Splitting", 2009: taken
        off in this way weights become 0 and stay there, which gradients of a size of 1 do not reach.
        """
        group = self.optimizer.param_groups[0]
        for weights in group["params"]:
            weights.copy_(functional.softshrink(weights, group["lr"] * self.config.l1))

    def _try_out(self, encode: devices.Encode) -> None:
        """Encode and learn from nothing, and leave no trace of it."""
        weight = self.network.item_bias
        # Worked out of weights, as those of a batch are.
        vectors = 1 * weight.new_zeros(*TRIAL_SHAPE, self.config.width, requires_grad=True)
        numbers = torch.zeros(TRIAL_SHAPE, dtype=torch.int64, device=weight.device)
        before = [buffer.clone() for buffer in self.network.buffers()]
        self.network.train()
        with (
            torch.random.fork_rng(),
            torch.autocast(
                weight.device.type, torch.bfloat16, enabled=self.dtype is torch.bfloat16
            ),
        ):
            # A tensor used twice would be compiled as one.
            found = encode(vectors, numbers + 1, numbers, numbers.clone())
            found.sum().backward()  # type: ignore[no-untyped-call]
        for buffer, value in zip(self.network.buffers(), before, strict=True):
            buffer.copy_(value)
        self.optimizer.zero_grad(set_to_none=True)


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


def untrained(prepared: Prepared, config: TrainingConfig) -> InterestNetwork:
    """Return a network that ranks by popularity, which it would learn first and slowly."""
    network = build(
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
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if config.optimizer == SGD:
        return torch.optim.SGD(
            groups, lr=config.learning_rate, momentum=0.9, nesterov=True, fused=True
        )
    kind = torch.optim.Adam if config.optimizer == ADAM else torch.optim.AdamW
    return kind(groups, lr=config.learning_rate, betas=(0.9, 0.98), fused=True)
