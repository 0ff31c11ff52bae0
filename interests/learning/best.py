"""The best items of many end users at once.

`torch.topk` over a whole catalogue was most of the work of scoring on a CPU. Here the k-th highest of the
maxima of some groups of items bounds the k-th best score from below; what lies above the bound, hardly more
than k items, is put in order.

Legend: b end users, M items, k items wanted, c candidates of the end user with the most.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

# Groups for each item wanted: with more the bound is closer, with fewer it is found sooner.
GROUPS_FOR_EACH = 4
# Larger than any key of a real score.
NO_KEY = np.uint64(2**64 - 1)
SIGN = np.uint32(2**31)
ALL = np.uint32(2**32 - 1)


def best(scores: Tensor, k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the places and values of the k highest scores of each row, highest first.

    Of equal scores the item that stands first comes first (on a CPU).

    Args:
        scores: -inf for an item that is out of the question, float32. [b, M]
        k: 1 or more.

    Returns:
        places, int32, -1 where there are no more; scores, float32, -inf there. [b, k]
    """
    assert scores.ndim == 2 and k >= 1
    if scores.device.type == "cpu":
        return _best_on_cpu(scores.contiguous(), k)
    top = scores.topk(min(k, scores.shape[1]), dim=1)
    return _filled(top.indices.cpu().numpy(), top.values.cpu().numpy(), k)


def _best_on_cpu(scores: Tensor, k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    count, num_items = scores.shape
    bound = np.maximum(_bounds(scores, min(k, num_items)), np.finfo(np.float32).min)
    flat = np.flatnonzero(scores.numpy() >= bound[:, None])
    rows, places = np.divmod(flat.astype(np.int64), max(num_items, 1))
    keys = _keys(scores.numpy().ravel()[flat], places)
    counts = np.bincount(rows, minlength=count)
    order = np.arange(len(flat)) - np.repeat(np.cumsum(counts) - counts, counts)
    table = np.full((count, int(counts.max(initial=0))), NO_KEY)
    table[rows, order] = keys  # [b, c]
    table.sort(axis=1)
    return _filled(*_from_keys(table[:, :k]), k)


def _bounds(scores: Tensor, k: int) -> NDArray[np.float32]:
    """Return for each row a number that its k-th highest score is not below. [b]"""
    count, num_items = scores.shape
    size = num_items // (GROUPS_FOR_EACH * max(k, 1))
    if size > 1:
        num_groups = num_items // size
        groups = scores[:, : num_groups * size].view(count, size, num_groups)
        scores = groups.amax(1)  # [b, groups]
    if not scores.shape[1]:
        return np.full(count, -np.inf, np.float32)
    kth = scores.shape[1] - k
    bounds: NDArray[np.float32] = np.partition(scores.numpy(), kth, axis=1)[:, kth]
    return bounds


def _keys(values: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return numbers that sort as scores from high to low, equal ones by place."""
    bits = (values + np.float32(0)).view(np.uint32)  # -0.0 becomes 0.0
    falling = np.where(bits & SIGN, bits, bits ^ (ALL ^ SIGN))
    return (falling.astype(np.uint64) << np.uint64(32)) | places.astype(np.uint64)


def _from_keys(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    falling = (keys >> np.uint64(32)).astype(np.uint32)
    values = np.where(falling & SIGN, falling, falling ^ (ALL ^ SIGN)).view(np.float32)
    places = (keys & np.uint64(ALL)).astype(np.uint32).view(np.int32)
    return np.where(keys == NO_KEY, -1, places), np.where(keys == NO_KEY, -np.inf, values)


def _filled(
    places: NDArray[np.integer], values: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Fill rows up to length k; -inf takes its place away."""
    all_places = np.full((len(places), k), -1, np.int32)
    all_values = np.full((len(places), k), -np.inf, np.float32)
    all_places[:, : places.shape[1]] = places
    all_values[:, : places.shape[1]] = values
    all_places[np.isneginf(all_values)] = -1
    return all_places, all_values
