"""Reading what stands behind the question mark: each function returns a value or a clear 400."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import QueryDict

from recsite.access.problems import BadParameter

ID_LENGTH = 512


def integer(query: QueryDict, name: str, *, default: int, low: int, high: int) -> int:
    """Return a whole number from `low` to `high`, or `default` where it is not given."""
    given = query.get(name)
    if given is None:
        return default
    # int() would take 4,300 digits, underscores and digits of other scripts.
    if len(given) <= 12 and given.isascii() and given.lstrip("-").isdigit():
        number = int(given) if given.count("-") <= 1 else low - 1
        if low <= number <= high:
            return number
    raise BadParameter(f'{name} must be a whole number from {low} to {high}, not "{given[:50]}".')


def time(query: QueryDict, name: str) -> datetime | None:
    """Return an ISO 8601 time, UTC where it names no zone, or None where it is not given."""
    given = query.get(name)
    if not given:
        return None
    try:
        # In an address "+" means a space; a space before the zone can only have been a plus.
        parsed = datetime.fromisoformat(
            given[:64].replace(" ", "+") if "T" in given else given[:64]
        )
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadParameter(
            f'{name} must be a time such as 2026-03-04T12:00:00Z, not "{given[:50]}".'
        ) from None


def text(query: QueryDict, name: str, *, default: str = "") -> str:
    """Return a text that PostgreSQL can take."""
    return storable(query.get(name, default), name)


def texts(query: QueryDict, name: str, *, at_most: int) -> list[str]:
    """Return every value of a parameter that may be repeated."""
    given = query.getlist(name)
    if len(given) > at_most:
        raise BadParameter(f"{name} may be given {at_most} times at most, not {len(given)} times.")
    return [storable(value, name) for value in given]


def choice(query: QueryDict, name: str, *, default: str, choices: tuple[str, ...]) -> str:
    """Return one of `choices`, or `default` where it is not given."""
    given = query.get(name, default)
    if given not in choices:
        raise BadParameter(f'{name} must be one of {", ".join(choices)}, not "{given[:50]}".')
    return given


def storable(value: str, name: str) -> str:
    """Return `value` if it can be an id: at most 512 characters, no NUL, no half of a surrogate pair."""
    if len(value) > ID_LENGTH:
        raise BadParameter(f"{name} may have {ID_LENGTH} characters at most, not {len(value)}.")
    if "\0" in value or not value.isprintable() and _has_surrogate(value):
        raise BadParameter(f"{name} holds a character that cannot be stored (NUL or half a pair).")
    return value


def _has_surrogate(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)
