"""One event as somebody sent it: read, checked, refused with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from interests.models import ID_LENGTH

# Recommenders and their clients are younger than this; a time before it is a clock or unit gone wrong.
EARLIEST_CREDIBLE = datetime(1990, 1, 1, tzinfo=UTC)
FIRST_MOMENT = datetime(1, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
# Clocks and time zones go wrong by less than a day.
CREDIBLE_SKEW = timedelta(days=1)
# What a request takes on its way, and what clocks that are set by the network differ by.
TOLERATED_SKEW = timedelta(seconds=5)
NO_SKEW = timedelta(0)
# Far beyond any price or rating, far within what sums stay exact in.
LARGEST_VALUE = 1e9
# Kinds that say what we showed, not what somebody wanted; the numbers stand where events have their kind's key.
IMPRESSION_ID, DWELL_ID = 0, -1
KINDS_OF_IMPRESSIONS = {"impression": IMPRESSION_ID, "dwell": DWELL_ID}


class NotAnEvent(Exception):
    """What was sent cannot be stored; `code` is stable, `detail` is for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Event:
    """An event that can be stored. `sent_at` is its time before the sender's clock was corrected."""

    event_id: str
    user_id: str
    item_id: str
    kind_id: int
    value: float | None
    occurred_at: datetime
    sent_at: datetime | None
    session_id: str
    recommendation_id: str
    is_time_doubtful: bool


def skew_of(sent_at: Any, now: datetime) -> timedelta:
    """Return how far the sender's clock is behind ours, 0 where it is right or cannot be told.

    Up to 5 seconds are the way and ordinary clocks. Over a day is no clock gone wrong but a body that was
    kept and sent again later, whose events have the right times.

    Raises:
        NotAnEvent: `sent_at` is no time.
    """
    if sent_at is None:
        return NO_SKEW
    skew = now - time_of(sent_at, "sent_at")
    return skew if TOLERATED_SKEW < abs(skew) <= CREDIBLE_SKEW else NO_SKEW


def read(raw: Any, kinds: Mapping[str, int], now: datetime, skew: timedelta) -> Event:
    """Return the event, its time corrected by `skew` where it gives one.

    Raises:
        NotAnEvent: it cannot be stored.
    """
    if not isinstance(raw, dict):
        raise NotAnEvent("not_an_object", "An event is an object with event_id, user_id, ...")
    get = raw.get
    event_id = _text(get("event_id"), "event_id")
    user_id = _text(get("user_id"), "user_id")
    item_id = _text(get("item_id"), "item_id")
    kind_id = kinds.get(_text(get("kind"), "kind"))
    if kind_id is None:
        raise NotAnEvent(
            "kind_unknown",
            f'There is no kind "{str(get("kind"))[:50]}". Kinds are: {", ".join(sorted(kinds))}.',
        )
    occurred_at, sent_at = _corrected(get("occurred_at"), now, skew)
    session_id, recommendation_id = get("session_id"), get("recommendation_id")
    value = _number(get("value"))
    if kind_id == DWELL_ID and (value is None or value < 0):
        raise NotAnEvent(
            "value_out_of_range", "The value of a dwell is for how many seconds; 0 or more."
        )
    return Event(
        event_id, user_id, item_id, kind_id, value, occurred_at, sent_at,
        _text(session_id, "session_id") if session_id else "",
        _text(recommendation_id, "recommendation_id") if recommendation_id else "",
        not EARLIEST_CREDIBLE <= occurred_at <= now + CREDIBLE_SKEW,
    )  # fmt: skip


def time_of(value: Any, name: str) -> datetime:
    """Return a time in UTC; one that leaves the calendar becomes its first or last moment.

    Raises:
        NotAnEvent: it is none; `name` says of what.
    """
    try:
        if not isinstance(value, str) or not 10 <= len(value) <= 64:
            raise ValueError
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise NotAnEvent(
            f"{name}_invalid", f"{name} must be an ISO 8601 time such as 2026-03-04T12:00:00Z."
        ) from None
    if parsed.tzinfo is UTC:
        return parsed
    if parsed.tzinfo is None:
        return parsed.replace(tzinfo=UTC)
    try:
        return parsed.astimezone(UTC)
    except OverflowError:
        return FIRST_MOMENT if parsed.year == 1 else LAST_MOMENT


def _corrected(value: Any, now: datetime, skew: timedelta) -> tuple[datetime, datetime | None]:
    """Return when it occurred and, where that was corrected, what was sent."""
    if value is None or value == "":
        return now, None
    given = time_of(value, "occurred_at")
    if not skew:
        return given, None
    try:
        return given + skew, given
    except OverflowError:
        return FIRST_MOMENT if skew < NO_SKEW else LAST_MOMENT, given


def _text(value: Any, name: str) -> str:
    # Nearly every text is this; the questions below are for the others.
    if type(value) is str and 0 < len(value) <= ID_LENGTH and value.isascii() and "\0" not in value:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)  # many clients' ids are numbers
    if value is None or value == "":
        raise NotAnEvent(f"{name}_missing", f"{name} is missing.")
    if not isinstance(value, str):
        raise NotAnEvent(f"{name}_invalid", f"{name} must be a text.")
    if len(value) > ID_LENGTH:
        raise NotAnEvent(
            f"{name}_too_long", f"{name} has {len(value)} characters; {ID_LENGTH} are allowed."
        )
    if "\0" in value or not _is_encodable(value):
        raise NotAnEvent(f"{name}_invalid", f"{name} holds a character that cannot be stored.")
    return value


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NotAnEvent("value_invalid", "value must be a number.")
    if not (abs(value) <= LARGEST_VALUE and math.isfinite(value)):
        raise NotAnEvent("value_out_of_range", f"value must lie within ±{LARGEST_VALUE:,.0f}.")
    return float(value)
