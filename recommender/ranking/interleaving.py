"""Two lists mixed into one, so that what people choose tells which of them is better: team draft.

Radlinski, Kurup and Joachims, "How does clickthrough data reflect retrieval quality?" (2008): in each round a coin
says which list is first to give its best item that is not there yet, then the other gives one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from recommender.ranking.candidates import Candidates


def draft(
    first: Candidates, second: Candidates, *, seed: int
) -> tuple[Candidates, dict[int, bool]]:
    """Return both lists as one, and for each item whether the second list gave it."""
    coin = random.Random(seed)
    left = [_entries(first), _entries(second)]
    teams: dict[int, bool] = {}
    mixed: list[tuple[int, str, float]] = []
    is_open = [True, True]
    while any(is_open):
        begins = coin.randrange(2)
        for team in (begins, 1 - begins):
            entry = next((one for one in left[team] if one[0] not in teams), None)
            is_open[team] = entry is not None
            if entry is not None:
                teams[entry[0]] = bool(team)
                mixed.append(entry)
    return (
        Candidates(
            items=[item for item, _, _ in mixed],
            item_ids=[item_id for _, item_id, _ in mixed],
            scores=[score for _, _, score in mixed],
            is_ordered=True,
            seen=first.seen | second.seen,
        ),
        teams,
    )


def given(items: Sequence[int], teams: dict[int, bool], *, seed: int) -> list[tuple[int, int]]:
    """Return each item with 1 where the second list gave it, else 0.

    Items that neither gave, such as pins, are given to either by a coin, so that they favour none.
    """
    coin = random.Random(seed)
    found = []
    for item in items:
        by_coin = bool(coin.randrange(2))
        found.append((item, int(teams.get(item, by_coin))))
    return found


def _entries(candidates: Candidates) -> Iterator[tuple[int, str, float]]:
    return iter(list(zip(candidates.items, candidates.item_ids, candidates.scores, strict=True)))
