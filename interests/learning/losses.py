"""Losses over the whole catalogue.

Legend: P positions with a target, D width, N items.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# Logits of a chunk take about 64 MB in float32, which caches and small GPUs bear well.
CHUNK_LOGITS = 16 * 1024 * 1024


class _SoftmaxCrossEntropy(torch.autograd.Function):
    """Works out the gradients beside the loss, chunk by chunk, so that no P x N matrix is kept."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, items: Tensor, bias: Tensor, targets: Tensor, smoothing: float
    ) -> Tensor:
        num_positions, num_items = len(hidden), len(items)
        loss = hidden.new_zeros((), dtype=torch.float32)
        hidden_gradient = torch.empty_like(hidden)
        # Sums over chunks are kept in float32 even where the products are bfloat16.
        items_gradient = torch.zeros_like(items, dtype=torch.float32)
        bias_gradient = torch.zeros_like(bias, dtype=torch.float32)
        rows = max(CHUNK_LOGITS // num_items, 1)
        for begin in range(0, num_positions, rows):
            part, wanted = hidden[begin : begin + rows], targets[begin : begin + rows, None]
            logits = torch.addmm(bias, part, items.T).float()  # [rows, N]
            normaliser = logits.logsumexp(1, keepdim=True)  # [rows, 1]
            own = logits.gather(1, wanted)
            loss += (normaliser - (1 - smoothing) * own).sum()
            if smoothing:
                loss -= smoothing * logits.mean(1).sum()
            gradient = logits.sub_(normaliser).exp_()  # probabilities, then their gradient
            if smoothing:
                gradient -= smoothing / num_items
            gradient.scatter_add_(1, wanted, gradient.new_full(wanted.shape, smoothing - 1))
            gradient = (gradient / num_positions).to(hidden.dtype)
            torch.mm(gradient, items, out=hidden_gradient[begin : begin + rows])
            items_gradient += gradient.T @ part
            bias_gradient += gradient.sum(0)
        ctx.save_for_backward(
            hidden_gradient, items_gradient.to(items.dtype), bias_gradient.to(bias.dtype)
        )
        return loss / num_positions

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        hidden, items, bias = ctx.saved_tensors
        return hidden * outer[0], items * outer[0], bias * outer[0], None, None


def softmax_cross_entropy(
    *, hidden: Tensor, items: Tensor, bias: Tensor, targets: Tensor, label_smoothing: float = 0.0
) -> Tensor:
    """Return the mean cross-entropy of the targets under a softmax over all items, in nats.

    Args:
        hidden: one row for each position that has a target, float. [P, D], P of 1 or more
        items: embeddings, of hidden's dtype. [N, D]
        bias: added to each item's score, of hidden's dtype. [N]
        targets: index into `items`, int64. [P]
        label_smoothing: share of each target's weight that is spread evenly over all items.
    """
    assert hidden.ndim == items.ndim == 2 and hidden.shape[1] == items.shape[1]
    assert targets.shape == hidden.shape[:1] and bias.shape == items.shape[:1] and len(hidden)
    loss: Tensor = _SoftmaxCrossEntropy.apply(hidden, items, bias, targets, label_smoothing)  # type: ignore[no-untyped-call]
    return loss
