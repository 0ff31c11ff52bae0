"""Two lists mixed into one, so that each person compares them: team draft (Radlinski, Kurup and Joachims, "How does
clickthrough data reflect retrieval quality?", 2008).

Like captains who pick players: in each round a coin says who picks first, then each takes its best item that is not
there yet. Whoever's items are clicked more is preferred. It needs some ten to a hundred times fewer people than
giving each person one of the lists (Chapelle, Joachims, Radlinski and Yue, 2012).

Which list placed which item is told by a number that an answer's id can carry: a click names its item, not its place,
so bits are found by the item's key.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from hashlib import blake2b
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)

# Longer pages would need more bits than an id has room for.
MAX_ITEMS = 50
SIZES = (64, 128, 256, 512)  # bits
NUM_SALTS = 64
_HEAD_BITS = 8  # two for the size, six for the salt
_MIX = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: neighbouring keys fall far apart
_64_BITS = (1 << 64) - 1


def coins(text: str, num: int) -> list[int]:
    """Return fair coins, 0 or 1, that a text decides: the same text gives the same list on every page."""
    found: list[int] = []
    while len(found) < num:
        block = blake2b(f"{text}\0{len(found)}".encode("utf-8", "surrogatepass")).digest()
        drawn = int.from_bytes(block, "big")
        found += [drawn >> place & 1 for place in range(8 * len(block))]
    return found[:num]


def team_draft(
    first: Sequence[Item], second: Sequence[Item], *, length: int, coin: Sequence[int]
) -> list[tuple[Item, int]]:
    """Return the mixed list: each item with 0 where the first list placed it, 1 where the second did.

    Where one list has no more items the other fills what is left.

    Args:
        first, second: best first, no item twice in either.
        coin: for each round 0 where the first list picks first, 1 where the second does; one for every two
            places, rounded up.
    """
    used: set[Item] = set()
    lists = (iter(first), iter(second))
    mixed: list[tuple[Item, int]] = []
    for starts in coin[: (length + 1) // 2]:
        for team in (starts, 1 - starts):
            item = next((item for item in lists[team] if item not in used), None)
            if item is not None:
                used.add(item)
                mixed.append((item, team))
    for team in (0, 1):
        mixed += [(item, team) for item in lists[team] if not (item in used or used.add(item))]  # type: ignore[func-returns-value]  # adds
    return mixed[:length]


def mark(teams: Iterable[tuple[int, int]]) -> int:
    """Return a number from which `team_of` tells for these items which list placed each; never 0.

    Args:
        teams: keys of items with 0 or 1, at most `MAX_ITEMS`.

    Raises:
        ValueError: these are more items than fit.
    """
    pairs = list(teams)
    firsts = [key for key, team in pairs if not team]
    seconds = [key for key, team in pairs if team]
    for place, size in enumerate(SIZES):
        for salt in range(NUM_SALTS):
            marked = {_bit(key, salt, size) for key in seconds}
            if not any(_bit(key, salt, size) in marked for key in firsts):
                head = salt << 2 | place
                return 1 << _HEAD_BITS + size | sum(1 << bit for bit in marked) << _HEAD_BITS | head
    raise ValueError(f"{len(pairs)} items are more than {MAX_ITEMS}")


def team_of(marked: int, key: int) -> int:
    """Return 1 where the second list placed an item, 0 where the first did, as `mark` noted it."""
    size, salt = SIZES[marked & 3], marked >> 2 & NUM_SALTS - 1
    return marked >> _HEAD_BITS + _bit(key, salt, size) & 1


def _bit(key: int, salt: int, size: int) -> int:
    mixed = (key + 1) * _MIX + salt * 0xD1B54A32D192ED03 & _64_BITS
    mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9 & _64_BITS
    return (mixed ^ mixed >> 32) % size
