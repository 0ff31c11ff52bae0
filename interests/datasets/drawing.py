"""A number drawn for each key: the same for ever, whatever other keys there are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# What every library that draws takes as a seed: 0 up to this, itself left out.
NUM_SEEDS = 2**32
# Of Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
GOLDEN = 0x9E3779B97F4A7C15
FIRST = 0xBF58476D1CE4E5B9
SECOND = 0x94D049BB133111EB


def drawn(keys: NDArray[np.integer], *, seed: int = 0) -> NDArray[np.uint64]:
    """Return a number for each key as if drawn evenly from all of uint64; splitmix64 of key and seed."""
    mixed = keys.astype(np.int64).view(np.uint64) + np.uint64(((seed + 1) * GOLDEN) % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(FIRST)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(SECOND)
    last: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return last
