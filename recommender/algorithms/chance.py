"""Items drawn by chance: the floor that everything else must clear.

Legend: b end users, N items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms.protocol import CannotFit, Report, event_counts

# Bits of a float32 between 0 and 1 that are all told apart.
FLOAT_BITS = 24


@dataclass(frozen=True)
class RandomSettings:
    """Random has nothing to choose: its seed is that of the fit."""


@dataclass(frozen=True)
class Draw:
    """What scores are drawn from. `item_keys`: hashes of the items' ids, uint64. [N]; `is_known`: [N]"""

    item_keys: NDArray[np.uint64]
    is_known: NDArray[np.bool_]
    seed: int

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        user_keys = keys_of(histories.user_ids[users])
        drawn = uniform(self.seed, user_keys[:, None], self.item_keys)  # [b, N]
        return np.where(self.is_known, drawn, -np.inf).astype(np.float32)


class Random:
    """Every item as likely as any other, drawn anew for each end user.

    A score is a hash of seed, end user and item, so whoever asks again gets the same, in whatever order
    and company he asks, and whatever else is in the catalogue.
    """

    name = "random"
    is_baseline = False

    def grid(self) -> Sequence[RandomSettings]:
        return (RandomSettings(),)

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: RandomSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Draw:
        is_known = event_counts(log) > 0
        if not is_known.any():
            raise CannotFit("There are no items to draw from: random needs at least one event.")
        return Draw(keys_of(log.catalogue.item_ids), is_known, seed)


def keys_of(ids: NDArray[np.object_]) -> NDArray[np.uint64]:
    """Return a number for each id that is the same on every machine, uint64. [ids]"""
    digests = (blake2b(str(one).encode(), digest_size=8).digest() for one in ids)
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def uniform(seed: int, *keys: NDArray[np.uint64]) -> NDArray[np.float32]:
    """Return numbers from 0 to below 1 that keys and seed alone decide.

    The finisher of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) after each key.

    Args:
        seed: 0 or more.
        keys: uint64, of shapes that fit together. Order matters.

    Returns:
        Float32 in the keys' common shape.
    """
    mixed = np.array([seed], np.uint64)
    for key in keys:
        mixed = _mix(mixed + key)
    return (mixed >> np.uint64(64 - FLOAT_BITS)).astype(np.float32) / np.float32(2**FLOAT_BITS)


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return 64 bits in which every bit of the state has had its say."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
