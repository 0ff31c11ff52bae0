"""Which of two interleaved lists gave an item, as a number that an answer's id has room for.

A click names its item, not its place, so bits are found by the item's key: a small table of hashes with a salt under
which no item of one list falls on a bit of the other's. How lists are mixed stands in `ranking.interleaving`.
"""

from __future__ import annotations

from collections.abc import Iterable

# Longer pages would need more bits than an id has room for.
MAX_ITEMS = 50
SIZES = (64, 128, 256, 512)  # bits
NUM_SALTS = 64
_HEAD_BITS = 8  # two for the size, six for the salt
_MIX = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: neighbouring keys fall far apart
_64_BITS = (1 << 64) - 1


def mark(teams: Iterable[tuple[int, int]]) -> int:
    """Return a number from which `team_of` tells for these items which list gave each; 0 where they do not fit.

    Args:
        teams: keys of items with 0 where the first list gave it, 1 where the second did.
    """
    pairs = list(teams)
    firsts = [key for key, team in pairs if not team]
    seconds = [key for key, team in pairs if team]
    for place, size in enumerate(SIZES if len(pairs) <= MAX_ITEMS else ()):
        for salt in range(NUM_SALTS):
            marked = {_bit(key, salt, size) for key in seconds}
            if not any(_bit(key, salt, size) in marked for key in firsts):
                head = salt << 2 | place
                return 1 << _HEAD_BITS + size | sum(1 << bit for bit in marked) << _HEAD_BITS | head
    return 0


def team_of(marked: int, key: int) -> int:
    """Return 1 where the second list gave an item, 0 where the first did, as `mark` noted it."""
    size, salt = SIZES[marked & 3], marked >> 2 & NUM_SALTS - 1
    return marked >> _HEAD_BITS + _bit(key, salt, size) & 1


def _bit(key: int, salt: int, size: int) -> int:
    mixed = (key + 1) * _MIX + salt * 0xD1B54A32D192ED03 & _64_BITS
    mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9 & _64_BITS
    return (mixed ^ mixed >> 32) % size
