"""Many small least squares with L1 and L2 at once, by coordinate descent (Friedman, Hastie, Tibshirani, JSS 2010).

A few rounds find out which unknowns are 0 and the signs of the others; given these, the solution is that of linear
equations, which saves the many rounds of getting ever nearer. Where its signs are others, descent goes on.

Legend: m problems, D unknowns of each.
"""

from __future__ import annotations

import torch

# Problems that are solved leave the work every so many rounds.
ROUNDS_A_LOOK = 4


def elastic_net(
    grams: torch.Tensor,
    right: torch.Tensor,
    *,
    l1: torch.Tensor,
    start: torch.Tensor | None = None,
    is_positive: bool = False,
    max_rounds: int = 400,
    tolerance: float = 1e-5,
) -> torch.Tensor:
    """Return x that makes ½ xᵀ A x - bᵀ x + l1 · |x|₁ least, for each problem.

    Args:
        grams: A, symmetric, L2 already on its diagonal, which is above 0. [m, D, D]
        right: b. [m, D]
        l1: 0 or more. [m]
        start: where to begin, 0 by default. [m, D]
        is_positive: whether x may not be below 0.
        tolerance: a problem is solved when no unknown moves further in a round.

    Returns:
        [m, D]
    """
    solved = torch.zeros_like(right) if start is None else start.clone()
    open_ones = torch.arange(len(right))
    for _ in range(0, max_rounds, ROUNDS_A_LOOK):
        if not len(open_ones):
            break
        is_all = len(open_ones) == len(right)
        found, moved = _rounds(
            grams if is_all else grams[open_ones], right[open_ones], l1[open_ones],
            solved[open_ones], is_positive=is_positive,
        )  # fmt: skip
        is_open = moved > tolerance
        solved[open_ones] = found
        open_ones = open_ones[is_open]
        if len(open_ones):
            solved[open_ones] = _given_signs(
                grams[open_ones], right[open_ones], l1[open_ones], found[is_open]
            )
    return solved


def _rounds(
    grams: torch.Tensor,
    right: torch.Tensor,
    l1: torch.Tensor,
    start: torch.Tensor,
    *,
    is_positive: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return x after some rounds, and how far an unknown moved in the last of them. [m, D], [m]"""
    # Unknown first: what one step reads lies together in memory.
    by_unknown = grams.transpose(0, 1).contiguous()  # [D, m, D]
    slopes = right - torch.einsum("mde,me->md", grams, start)  # [m, D]
    columns, slopes = start.T.contiguous(), slopes.contiguous()
    before = columns
    for _ in range(ROUNDS_A_LOOK):
        before = columns.clone()
        for unknown, own in enumerate(by_unknown):
            curve, old = own[:, unknown], columns[unknown]  # [m]
            pull = slopes[:, unknown] + curve * old
            if is_positive:
                new = (pull - l1).clamp(min=0) / curve
            else:
                new = torch.nn.functional.relu(pull.abs() - l1) * pull.sign() / curve
            slopes.addcmul_(own, (old - new)[:, None])
            columns[unknown] = new
    moved = (columns - before).abs().amax(dim=0)
    return columns.T.contiguous(), moved


def _given_signs(
    grams: torch.Tensor, right: torch.Tensor, l1: torch.Tensor, found: torch.Tensor
) -> torch.Tensor:
    """Return the solution that has 0 where `found` has, if its signs are those of `found`, else `found`. [m, D]"""
    signs = found.sign()
    is_free = signs.abs()
    masked = grams * is_free[:, :, None] * is_free[:, None, :]
    masked.diagonal(dim1=1, dim2=2).add_(1 - is_free)
    lower, _ = torch.linalg.cholesky_ex(masked)
    pull = (right - l1[:, None] * signs) * is_free
    exact = torch.cholesky_solve(pull[:, :, None], lower)[:, :, 0]
    is_right = (exact.sign() == signs).all(dim=1)
    return torch.where(is_right[:, None], exact, found)
