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
# Products up to this size, of either sign, keep clear of what float32 can hold when raised to e: of larger ones
# the highest is taken off first.
SAFE_BOUND = 30.0


class _SoftmaxCrossEntropy(torch.autograd.Function):
    """Works out the gradients beside the loss, chunk by chunk, so that no P x S matrix is ever held.

    What goes over a whole chunk of scores costs as much as a sixth of a product, so as little as can be does:
    a score's exponential is that of the product times that of the item's bias, and the latter is worked
    into items and sums; neither it nor the targets nor the division by the total touches the chunk.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        items: Tensor,
        bias: Tensor,
        own_bias: Tensor,
        targets: Tensor,
        bound: float | None,
    ) -> Tensor:
        num_positions, num_items = len(hidden), len(items)
        rows = min(max(CHUNK_LOGITS[hidden.device.type] // num_items, 1), num_positions)
        # One buffer for all chunks: memory that is new to the process costs more than the sums in it.
        logits_of_chunk = hidden.new_empty(rows, num_items, dtype=torch.float32)
        own = hidden.new_empty(num_positions, 1, dtype=torch.float32)
        total, highest = torch.empty_like(own), torch.zeros_like(own)
        hidden_gradient = torch.empty_like(hidden)
        # Sums over chunks are kept in float32 even where the products are bfloat16. Turned, because
        # products write long rows faster than short ones.
        turned_gradient = items.new_zeros(items.shape[::-1], dtype=torch.float32)
        bias_gradient = torch.zeros_like(bias, dtype=torch.float32)
        most = bias.float().max()
        factor = (bias.float() - most).exp()  # [S]
        weighted = items * factor[:, None].to(items.dtype)
        for begin in range(0, num_positions, rows):
            here = slice(begin, begin + rows)
            part, wanted = hidden[here], targets[here, None]
            logits = logits_of_chunk[: len(part)]
            _products(part, items, out=logits)
            logits.scatter_add_(1, wanted, own_bias[wanted].float())
            own[here] = logits.gather(1, wanted)
            if bound is None or bound > SAFE_BOUND:
                highest[here] = logits.amax(1, keepdim=True)
                logits.sub_(highest[here])
            logits.exp_()
            torch.mv(logits, factor, out=total[here, 0])
            shares = 1 / (total[here] * num_positions)
            low = logits.to(hidden.dtype)
            torch.mul(torch.mm(low, weighted), shares, out=hidden_gradient[here])
            scaled = (part * shares).to(hidden.dtype)
            if low.dtype is torch.float32:
                turned_gradient.addmm_(scaled.T, low)
            else:
                turned_gradient += scaled.T @ low
            bias_gradient.addmv_(logits.T, shares[:, 0])
        items_gradient = (turned_gradient * factor).T.contiguous()
        bias_gradient *= factor
        # Each position's own item, whose probability should be 1.
        own_share = 1 / num_positions
        hidden_gradient.sub_(items[targets], alpha=own_share)
        items_gradient.index_add_(0, targets, hidden.float(), alpha=-own_share)
        bias_gradient.index_add_(0, targets, torch.full_like(own[:, 0], -own_share))
        ctx.save_for_backward(
            hidden_gradient, items_gradient.to(items.dtype), bias_gradient.to(bias.dtype)
        )
        own += bias[targets, None].float()
        return (total.log() + highest + most - own).mean(dtype=torch.float64).float()

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        hidden, items, bias = ctx.saved_tensors
        return hidden * outer[0], items * outer[0], bias * outer[0], None, None, None


def softmax_cross_entropy(
    *,
    hidden: Tensor,
    items: Tensor,
    bias: Tensor,
    targets: Tensor,
    own_bias: Tensor | None = None,
    bound: float | None = None,
) -> Tensor:
    """Return the mean cross-entropy of the targets under a softmax over `items`, in nats.

    Args:
        hidden: one row for each position that has a target, float. [P, D], P of 1 or more
        items: vectors of all items or of the candidates, of hidden's dtype. [S, D]
        bias: added to each item's score, of hidden's dtype. [S]
        targets: index into `items`, int64. [P]
        own_bias: added to an item's score only where it is the target, see `Candidates`. [S]
        bound: what no product of a row of hidden and an item exceeds in size, where that is known.
    """
    assert hidden.ndim == items.ndim == 2 and hidden.shape[1] == items.shape[1]
    assert targets.shape == hidden.shape[:1] and bias.shape == items.shape[:1] and len(hidden)
    if own_bias is None:
        own_bias = torch.zeros_like(bias)
    loss: Tensor = _SoftmaxCrossEntropy.apply(  # type: ignore[no-untyped-call]
        hidden, items, bias, own_bias, targets, bound
    )
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


def _products(hidden: Tensor, items: Tensor, *, out: Tensor) -> None:
    if hidden.dtype is out.dtype:
        torch.mm(hidden, items.T, out=out)
    else:
        out.copy_(hidden @ items.T)
