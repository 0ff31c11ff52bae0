"""What everybody turns to and away from, as the first page shows it."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from redis.exceptions import RedisError

from interests.selectors import movements
from interests.selectors.movements import Movement, Movements
from interests.selectors.states import CategoryName

NUM_EACH = 3
# It reads sixteen weeks of events: once in so many seconds is enough for all readers together.
KEPT_SECONDS = 120
CACHE_KEY = "overview-movements"


@dataclass(frozen=True)
class Population:
    """The largest rises and falls, rises first, with the sentence that says what matters."""

    rows: list[Movement]
    largest: float
    sentence: str


def population() -> Population | None:
    """Return what everybody turns to and away from, None where there is too little to say."""
    found = _movements()
    rows = sorted((*found.rising, *found.falling), key=lambda row: -row.change)
    if not rows:
        return None
    return Population(rows, max(abs(row.change) for row in rows), _sentence(found))


def _movements() -> Movements:
    with contextlib.suppress(RedisError, OSError):
        kept = cache.get(CACHE_KEY)
        if kept is not None:
            return _from_plain(kept)
    found = movements.rising_and_falling(limit=NUM_EACH)
    with contextlib.suppress(RedisError, OSError):
        cache.set(CACHE_KEY, _to_plain(found), KEPT_SECONDS)
    return found


def _to_plain(found: Movements) -> dict[str, Any]:
    return asdict(found) | {"until": found.until.isoformat() if found.until else None}


def _from_plain(kept: dict[str, Any]) -> Movements:
    until = kept["until"]
    rows = {
        name: [
            Movement(**row | {"category": CategoryName(**row["category"])}) for row in kept[name]
        ]
        for name in ("rising", "falling")
    }
    return Movements(**kept | rows | {"until": datetime.fromisoformat(until) if until else None})


def _sentence(found: Movements) -> str:
    base = (
        f"Last 4 weeks against the 12 before: {found.num_events_now:,} and "
        f"{found.num_events_before:,} events of {found.num_end_users:,} end users."
    )
    sure = [row for row in (*found.rising[:1], *found.falling[:1]) if row.is_sure]
    if not sure:
        return f"Nothing moved by more than noise. {base}"
    parts = [
        f"{row.category.name} {'rose' if row.change > 0 else 'fell'} from {_percent(row.before)} to {_percent(row.now)}"
        for row in sure
    ]
    return f"{' and '.join(parts)}: more than noise. {base}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
