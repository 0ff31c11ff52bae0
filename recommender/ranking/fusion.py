"""What several algorithms say of the same items, on one scale, and mixed.

Legend: b end users, N items, M algorithms, D depth: how far down a ranking is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Scale = Literal["z", "min-max", "rank"]
SCALES: tuple[Scale, ...] = ("z", "min-max", "rank")
# The usual constant of reciprocal ranks.
RECIPROCAL_CONSTANT = 60.0
# Scores nearer to each other than this part of the row's largest, which is about ten times what float32 rounds, are
# equal: an item that was seen before may have the largest, so it counts here whatever else does.
TOLERANCE = 1e-6
Scores = NDArray[np.float32]


def scaled(
    scores: Scores, *, scale: Scale, depth: int = 1000, counted: NDArray[np.bool_] | None = None
) -> Scores:
    """Return each end user's scores on a scale that does not depend on the algorithm.

    Args:
        scores: -inf where an algorithm does not know an item. [b, N]
        scale: "z": in standard deviations from the mean; "min-max": from 0 to 1; "rank": 1 - log(1 + r) /
            log(1 + D) of an item before which r others stand, so 1 for the first and 0 from place D on.
        depth: D, 1 or more.
        counted: the items that the scale is made of, such as those not seen before; others are put
            where they would stand among these. None: all. [b, N]

    Returns:
        Finite; unknown items have the lowest score of the end user's, all equal ones have 0. [b, N]
    """
    if scale == "rank":
        places = ranks(scores, depth=depth, counted=counted)
        shares = np.log1p(places) / np.log1p(np.float32(depth))
        return np.asarray(1 - shares, np.float32)
    of = np.ones(scores.shape, bool) if counted is None else counted
    known = np.isfinite(scores)
    lowest = np.where(known, scores, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    filled = np.where(known, scores, np.where(np.isfinite(lowest), lowest, 0)).astype(np.float32)
    largest = _largest(scores)
    # By a power of 2, which rounds nothing, so that no square is too large or small for a float32.
    unit = np.ldexp(np.float32(1), np.frexp(largest)[1]).astype(np.float32)
    filled, largest = filled / unit, largest / unit
    low = np.where(of, filled, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    width = np.where(of, filled, -np.inf).max(axis=1, keepdims=True, initial=-np.inf) - low
    if scale == "min-max":
        filled -= low
        spread = width
    else:
        number = np.maximum(of.sum(axis=1, keepdims=True), 1).astype(np.float32)
        filled -= np.where(of, filled, 0).sum(axis=1, keepdims=True) / number
        spread = np.sqrt(np.where(of, filled**2, 0).sum(axis=1, keepdims=True) / number)
    is_told = width > TOLERANCE * largest
    filled /= np.where(is_told, spread, 1)
    return np.where(is_told & np.isfinite(filled), filled, 0).astype(np.float32)


def ranks(scores: Scores, *, depth: int, counted: NDArray[np.bool_] | None = None) -> Scores:
    """Return behind how many items each stands: 0 for the best, at most D.

    Equals share the worst of their places: thousands that an algorithm cannot tell apart are nobody's best. Scores
    are told apart in steps of `TOLERANCE`.

    Args:
        scores: -inf where unknown: these have place D. [b, N]
        counted: the items that take a place; None: all. [b, N]

    Returns:
        [b, N]
    """
    num_items = scores.shape[1]
    places = np.full(scores.shape, depth, np.float32)
    if not num_items:
        return places
    scores = _in_steps(scores)
    own = scores if counted is None else np.where(counted, scores, -np.inf)
    kept = min(depth, num_items)
    best = np.argpartition(-own, kept - 1, axis=1)[:, :kept]
    values = np.take_along_axis(own, best, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    best, values = (
        np.take_along_axis(best, order, axis=1),
        np.take_along_axis(values, order, axis=1),
    )
    is_last = np.ones(values.shape, bool)
    is_last[:, :-1] = values[:, :-1] != values[:, 1:]
    ends = np.where(is_last, np.arange(kept), kept)
    lasts = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1].astype(np.float32)
    # Equals of the last one that was kept may stand beyond it.
    is_least = values == values[:, -1:]
    goes_on = (own == values[:, -1:]).sum(axis=1) > is_least.sum(axis=1)
    lasts[is_least & goes_on[:, None]] = depth
    np.put_along_axis(places, best, lasts, axis=1)
    if counted is not None:
        for row in np.flatnonzero((~counted).any(axis=1)):
            others = np.flatnonzero(~counted[row])
            found = np.searchsorted(-values[row], -scores[row, others], side="right")
            places[row, others] = np.where(found < kept, found, depth)
    places[~np.isfinite(scores)] = depth
    return places


def _largest(scores: Scores) -> Scores:
    """Return the largest finite score of each row, whatever its sign. [b, N] -> [b, 1]"""
    sizes = np.abs(np.where(np.isfinite(scores), scores, 0))
    return np.asarray(sizes.max(axis=1, keepdims=True, initial=0), np.float32)


def _in_steps(scores: Scores) -> Scores:
    """Return scores as whole numbers of steps within which they are equal, -inf as it is. [b, N]"""
    largest = _largest(scores)
    shares = scores / np.where(largest > 0, largest, 1)
    return np.rint(shares * np.float32(1 / TOLERANCE)).astype(np.float32)


def weighted_sum(parts: Sequence[Scores], *, weights: Sequence[float]) -> Scores:
    """Return the sum of scaled scores, each times its weight. parts: M of [b, N] -> [b, N]"""
    mixed = np.zeros_like(parts[0], np.float32)
    for part, weight in zip(parts, weights, strict=True):
        mixed += np.float32(weight) * part
    return mixed


def reciprocal(places: Scores, *, constant: float = RECIPROCAL_CONSTANT) -> Scores:
    """Return 1 / (constant + r + 1) of ranks from 0 (Cormack, Clarke, Buettcher, SIGIR 2009). [b, N]"""
    return (1 / (np.float32(constant) + 1 + places)).astype(np.float32)


def votes(places: Scores, *, depth: int) -> Scores:
    """Return Borda's votes of ranks from 0: D for the first, one less for each place, 0 from D on. [b, N]"""
    return np.maximum(depth - places, 0).astype(np.float32)


def cascade(first: Scores, then: Scores, *, num_candidates: int) -> Scores:
    """Return scores that put the best of one algorithm before all others, ranked by another.

    Args:
        first: chooses the candidates; orders what comes after them. [b, N]
        then: ranks the candidates, finite. [b, N]
        num_candidates: 1 or more; equals of the last are candidates too.
    """
    places = ranks(first, depth=max(num_candidates, 1))
    is_candidate = places < num_candidates
    # Between 0 and 1, so that any candidate, at 2 and above, stands before.
    rest = scaled(first, scale="min-max")
    ordered = 2 + scaled(then, scale="min-max")
    return np.where(is_candidate, ordered, rest).astype(np.float32)


def known_by_any(parts: Sequence[Scores]) -> NDArray[np.bool_]:
    """Mark the items that at least one algorithm knows. [b, N]"""
    return np.asarray(np.logical_or.reduce([np.isfinite(part) for part in parts]))
