"""How long a pass over the data will take, before the first one is made."""

from __future__ import annotations

import time
from functools import cache

import torch

# Of the rate of large matrix products a training step reached this share on two processors; the rest
# goes into dropout, norms, exponentials and the optimizer.
REACHED_SHARE = 0.35
SIZE = 1024


def seconds_per_pass(
    *,
    num_targets: int,
    width: int,
    num_blocks: int,
    num_scored: int,
    operations_per_second: float,
) -> float:
    """Estimate a pass from its multiplications, forward and backward.

    Args:
        num_targets: events that are predicted, and about as many that go in.
        num_scored: items in the loss of a batch.
        operations_per_second: of large matrix products, see `matrix_rate`.
    """
    # A block's matrices: 4 of width x width for attention, 6 for the gated layer.
    weights = num_blocks * 10 * width**2 + num_scored * width
    return 6.0 * num_targets * weights / (REACHED_SHARE * operations_per_second)


@cache
def matrix_rate(device: torch.device) -> float:
    """Measure floating-point operations a second of a large float32 product on the device, once."""
    left = torch.rand(SIZE, SIZE, device=device)
    _wait(left @ left, device)
    begin = time.perf_counter()
    rounds = 3
    for _ in range(rounds):
        product = left @ left
    _wait(product, device)
    return 2.0 * SIZE**3 * rounds / (time.perf_counter() - begin)


def _wait(product: torch.Tensor, device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
