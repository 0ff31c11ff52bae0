"""Cross-entropy over the catalogue, or over candidates drawn from it.

Legend: P positions with a target, D width, N items, S candidates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Logits of a chunk: 4 MB in float32 stay in the caches of a CPU; a GPU likes its work in large parts.
CHUNK_LOGITS = {"cpu": 1024 * 1024, "cuda": 64 * 1024 * 1024}


class _SoftmaxCrossEntropy(torch.autograd.Function):
    """Works out the gradients beside the loss, chunk by chunk, so that no P x S matrix is ever held."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, items: Tensor, bias: Tensor, own_bias: Tensor, targets: Tensor
    ) -> Tensor:
        num_positions, num_items = len(hidden), len(items)
        rows = min(max(CHUNK_LOGITS[hidden.device.type] // num_items, 1), num_positions)
        # One buffer for all chunks: memory that is new to the process costs more than the sums in it.
        logits_of_chunk = hidden.new_empty(rows, num_items, dtype=torch.float32)
        loss = hidden.new_zeros((), dtype=torch.float64)
        hidden_gradient = torch.empty_like(hidden)
        # Sums over chunks are kept in float32 even where the products are bfloat16.
        items_gradient = torch.zeros_like(items, dtype=torch.float32)
        bias_gradient = torch.zeros_like(bias, dtype=torch.float32)
        for begin in range(0, num_positions, rows):
            part, wanted = hidden[begin : begin + rows], targets[begin : begin + rows, None]
            logits = logits_of_chunk[: len(part)]
            _scores(part, items, bias, out=logits)
            logits.scatter_add_(1, wanted, own_bias[wanted].float())
            own = logits.gather(1, wanted)
            highest = logits.amax(1, keepdim=True)
            total = logits.sub_(highest).exp_().sum(1, keepdim=True)
            loss += (total.log() + highest - own).sum()
            gradient = logits.mul_(
                1 / (total * num_positions)
            )  # probabilities, then their gradient
            gradient.scatter_add_(1, wanted, gradient.new_full(wanted.shape, -1 / num_positions))
            bias_gradient += gradient.sum(0)
            low = gradient.to(hidden.dtype)
            torch.mm(low, items, out=hidden_gradient[begin : begin + rows])
            if low.dtype is torch.float32:
                items_gradient.addmm_(low.T, part)
            else:
                items_gradient += low.T @ part
        ctx.save_for_backward(
            hidden_gradient, items_gradient.to(items.dtype), bias_gradient.to(bias.dtype)
        )
        return (loss / num_positions).float()

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        hidden, items, bias = ctx.saved_tensors
        return hidden * outer[0], items * outer[0], bias * outer[0], None, None


def softmax_cross_entropy(
    *,
    hidden: Tensor,
    items: Tensor,
    bias: Tensor,
    targets: Tensor,
    own_bias: Tensor | None = None,
) -> Tensor:
    """Return the mean cross-entropy of the targets under a softmax over `items`, in nats.

    Args:
        hidden: one row for each position that has a target, float. [P, D], P of 1 or more
        items: vectors of all items or of the candidates, of hidden's dtype. [S, D]
        bias: added to each item's score, of hidden's dtype. [S]
        targets: index into `items`, int64. [P]
        own_bias: added to an item's score only where it is the target, see `Candidates`. [S]
    """
    assert hidden.ndim == items.ndim == 2 and hidden.shape[1] == items.shape[1]
    assert targets.shape == hidden.shape[:1] and bias.shape == items.shape[:1] and len(hidden)
    if own_bias is None:
        own_bias = torch.zeros_like(bias)
    loss: Tensor = _SoftmaxCrossEntropy.apply(hidden, items, bias, own_bias, targets)  # type: ignore[no-untyped-call]
    return loss


@dataclass(frozen=True)
class Candidates:
    """Items that stand for the whole catalogue in the loss of one batch.

    A candidate that has been drawn with probability p counts 1 / p times in the sum over the
    catalogue: minus log p is added to its score. The target of a position is always there, so where it
    is the target it counts once. The estimate of the sum over the catalogue is then unbiased. After
    Bengio and Senecal, "Adaptive Importance Sampling to Accelerate Training of a Neural Probabilistic
    Language Model", 2008, with the probability of being there at all in place of the expected count.

    Attributes:
        items: numbers of the candidates, ascending, int64. [S]
        log_probability: of being among them, 0 or less, float32. [S]
    """

    items: Tensor
    log_probability: Tensor

    def to(self, device: torch.device) -> Candidates:
        """Return the same on a device."""
        return Candidates(self.items.to(device), self.log_probability.to(device))

    def places_of(self, items: Tensor) -> Tensor:
        """Return the index of each item in `items`; all of them must be there."""
        return torch.searchsorted(self.items, items)


class CandidateSampler:
    """Draws about `count` items in proportion to how often they are targets, and a batch's own targets."""

    def __init__(self, item_counts: NDArray[np.int64], *, count: int) -> None:
        """Prepare to draw.

        Args:
            item_counts: how often each item is a target. [N]
            count: expected number of items drawn, above 0 and below N.
        """
        assert 0 < count < len(item_counts)
        weights = np.maximum(item_counts, 0.5)
        self.shares = weights / weights.sum()
        self.probability = np.minimum(_factor(weights, count=count) * weights, 1.0)

    def draw(self, targets: Tensor, *, random: np.random.Generator) -> Candidates:
        """Return the candidates of a batch with these targets. targets: int64 [P]"""
        num_items = len(self.probability)
        is_candidate = random.random(num_items) < self.probability
        is_candidate[targets.cpu().numpy()] = True
        chosen = np.flatnonzero(is_candidate)
        # Not drawn, and not the target of any other position either.
        absent = np.log1p(-np.minimum(self.probability[chosen], 1 - 1e-12))
        absent += (len(targets) - 1) * np.log1p(-np.minimum(self.shares[chosen], 1 - 1e-12))
        log_probability = np.log(-np.expm1(absent)).astype(np.float32)
        return Candidates(
            torch.from_numpy(chosen).to(targets.device),
            torch.from_numpy(log_probability).to(targets.device),
        )


def _factor(weights: NDArray[np.float64], *, count: int) -> float:
    """Return what weights are multiplied by so that, capped at 1, they sum to `count`."""
    ordered = np.sort(weights)[::-1]
    rest = np.cumsum(ordered[::-1])[::-1]  # sum of this weight and all smaller ones
    # With the k largest capped, the others share count - k.
    for capped in range(min(count, len(ordered))):
        factor = (count - capped) / rest[capped]
        if factor * ordered[capped] <= 1:
            return float(factor)
    return math.inf


def _scores(hidden: Tensor, items: Tensor, bias: Tensor, *, out: Tensor) -> None:
    if hidden.dtype is out.dtype:
        torch.addmm(bias, hidden, items.T, out=out)
    else:
        out.copy_(torch.addmm(bias, hidden, items.T))
