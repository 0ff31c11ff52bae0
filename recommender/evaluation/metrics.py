"""Measures of ranked lists, worked out per end user.

Legend: b end users, N items, T targets, k length of the lists.

Every user has at least one target. A list may be shorter than k (padded with -1): what is missing is
missed. Items with equal scores are ranked in an order drawn from a seed, the same for all algorithms, so
that nothing is won or lost by an item's place in the catalogue.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PER_USER = ("recall", "precision", "ndcg", "map", "mrr")
COVERAGE = "coverage"
MAX_K = 1_000


def tie_order(num_items: int, *, seed: int) -> NDArray[np.int64]:
    """Draw the order in which items with equal scores are ranked: a permutation of 0 to N - 1. [N]"""
    return np.random.default_rng(seed).permutation(num_items)


def top_items(scores: NDArray[np.float32], *, k: int, ties: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the k best items of each row, best first, -1 where fewer have a score above -inf.

    Args:
        scores: higher is better, no NaN. [b, N]
        ties: from `tie_order`. [N]

    Returns:
        Indices of items. [b, k]
    """
    assert not np.isnan(scores).any(), "scores must not be NaN"
    num_items = scores.shape[1]
    # Adding 0 makes -0.0 equal to 0.0. A float's bits order like the float once negatives are turned
    # round, so score and tie become one number without equals, and partitioning is exact.
    bits = (scores.astype(np.float32) + np.float32(0)).view(np.uint32)
    ordered = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    keys = (ordered.astype(np.uint64) << np.uint64(32)) | ties.astype(np.uint64)  # [b, N]
    length = min(k, num_items)
    best = np.argpartition(keys, num_items - length, axis=1)[:, num_items - length :]
    order = np.argsort(np.take_along_axis(keys, best, axis=1), axis=1)[:, ::-1]
    best = np.take_along_axis(best, order, axis=1)  # [b, length]
    best = np.where(np.isneginf(np.take_along_axis(scores, best, axis=1)), -1, best)
    return np.pad(best, ((0, 0), (0, k - length)), constant_values=-1).astype(np.int32)


def per_user(
    top: NDArray[np.int32], *, rows: NDArray[np.int64], items: NDArray[np.int32]
) -> dict[str, NDArray[np.float64]]:
    """Return each measure of `PER_USER` for every user, between 0 and 1.

    Args:
        top: ranked items, -1 where there is none. [b, k]
        rows: whose each target is, an index into `top`; everybody has at least one. [T]
        items: the targets, each once per user. [T]

    Returns:
        recall: share of the targets that are in the list. [b]
        precision: share of the k places that hold a target, empty places included. [b]
        ndcg: discounted gain over that of a list which begins with the targets. [b]
        map: precision at each hit, summed, over min(k, targets). [b]
        mrr: 1 / place of the first hit, 0 without. [b]
    """
    num_users, k = top.shape
    counts = np.bincount(rows, minlength=num_users)
    assert counts.all(), "every user needs a target"
    hits = _hits(top, rows=rows, items=items)  # [b, k]
    places = np.arange(1, k + 1)
    gains = 1 / np.log2(places + 1)
    reachable = np.minimum(counts, k)
    first = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, np.inf)
    return {
        "recall": hits.sum(axis=1) / counts,
        "precision": hits.sum(axis=1) / k,
        "ndcg": hits @ gains / np.cumsum(gains)[reachable - 1],
        "map": (hits * hits.cumsum(axis=1) / places).sum(axis=1) / reachable,
        "mrr": 1 / first,
    }


def expected(
    scores: NDArray[np.float32], *, rows: NDArray[np.int64], items: NDArray[np.int32], k: int
) -> dict[str, NDArray[np.float64]]:
    """Return measures as their mean over all orders of items with equal scores (McSherry and Najork, ECIR 2008).

    Args:
        scores: higher is better, -inf is lower than all others and still ranked, no NaN. [b, N]
        rows: whose each target is, an index into `scores`; everybody has at least one. [T]
        items: the targets, each once per user. [T]

    Returns:
        recall, precision and ndcg, as `per_user` has them. [b]
    """
    num_users = len(scores)
    counts = np.bincount(rows, minlength=num_users)
    assert counts.all(), "every user needs a target"
    gains = np.concatenate(
        [[0], np.cumsum(1 / np.log2(np.arange(2, k + 2)))]
    )  # of the first places
    first, last = np.zeros(len(items), np.int64), np.zeros(len(items), np.int64)
    for user, (begin, end) in enumerate(
        zip(np.cumsum(counts) - counts, np.cumsum(counts), strict=True)
    ):
        ascending, own = np.sort(scores[user]), scores[user, items[begin:end]]
        first[begin:end] = len(ascending) - np.searchsorted(ascending, own, side="right")
        last[begin:end] = len(ascending) - np.searchsorted(ascending, own, side="left")
    # A target is as likely at each of the places that it shares with its equals.
    inside, ahead = np.minimum(last, k), np.minimum(first, k)
    hits = np.bincount(rows, (inside - ahead) / (last - first), minlength=num_users)
    gained = np.bincount(rows, (gains[inside] - gains[ahead]) / (last - first), minlength=num_users)
    return {
        "recall": hits / counts,
        "precision": hits / k,
        "ndcg": gained / gains[np.minimum(counts, k)],
    }


def coverage(top: NDArray[np.int32], *, is_counted: NDArray[np.bool_]) -> float:
    """Return which share of the items that count is in somebody's list, 0 to 1; 0 where none counts.

    Args:
        top: ranked items, -1 where there is none. [b, k]
        is_counted: the same items for all that are compared, whatever else one of them may list. [N]
    """
    is_listed = np.zeros(len(is_counted), bool)
    is_listed[top[top >= 0]] = True
    return float((is_listed & is_counted).sum() / max(is_counted.sum(), 1))


def _hits(
    top: NDArray[np.int32], *, rows: NDArray[np.int64], items: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Mark the places of `top` that hold a target of their user. [b, k]"""
    stride = int(max(top.max(initial=0), items.max(initial=0))) + 1
    listed = np.arange(len(top))[:, None] * stride + top
    return (top >= 0) & np.isin(listed, rows * stride + items)
