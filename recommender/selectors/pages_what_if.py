"""What somebody supposes of a person's events: read from the address, checked, shown as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from interests.models import EventKind
from interests.selectors import histories
from recommender.selectors import pages_search
from recommender.selectors.pages_lines import ItemLine, item_line, item_lines, with_categories

# More would be another person.
MAX_REMOVED = 20
MAX_ADDED = 20
# What moves weights most, and on a phone what would change is not far below.
NUM_EVENTS = 15
MAX_DIGITS = 18  # of a key


@dataclass(frozen=True)
class Added:
    """An event that is put in; `text` is how it stands in the address."""

    text: str
    kind: str
    item: ItemLine


@dataclass(frozen=True)
class EventLine:
    """An event that happened, and whether it is left out."""

    pk: int
    item: ItemLine
    kind: str
    occurred_at: datetime
    is_removed: bool


@dataclass(frozen=True)
class Supposed:
    """What is supposed.

    Attributes:
        removed: keys of the person's events that are left out
        added: items that are put in, in order
        errors: what of the address makes no sense, in words; then nothing is worked out
    """

    removed: tuple[int, ...] = ()
    added: tuple[Added, ...] = ()
    errors: tuple[str, ...] = field(default=())

    @property
    def is_something(self) -> bool:
        return bool(self.removed or self.added)


def supposed(*, end_user_id: int, removed: Sequence[str], added: Sequence[str]) -> Supposed:
    """Return what an address supposes; at most four queries.

    Args:
        removed: keys of events.
        added: "ITEM:KIND", the item's key and the name of a kind.
    """
    errors = []
    if len(removed) > MAX_REMOVED:
        errors.append(
            f"{len(removed)} events are left out; at most {MAX_REMOVED} can be at once. Untick some."
        )
    if len(added) > MAX_ADDED:
        errors.append(
            f"{len(added)} events are put in; at most {MAX_ADDED} can be at once. Untick some."
        )
    if errors:
        return Supposed(errors=tuple(errors))
    keys, wrong_events = _events(end_user_id, removed)
    found, wrong_items = _added(added)
    return Supposed(keys, found, (*wrong_events, *wrong_items))


def event_lines(*, end_user_id: int, removed: Sequence[int]) -> list[EventLine]:
    """Return the newest events of a person, and after them those left out that are older; four queries."""
    own = histories.used_by(end_user_id).select_related("kind", "item")
    own = own.prefetch_related(with_categories("item__categories"))
    newest = list(own.order_by("-occurred_at", "-pk")[:NUM_EVENTS])
    missing = set(removed) - {row.pk for row in newest}
    rows = [*newest, *own.filter(pk__in=missing).order_by("-occurred_at", "-pk")]
    return [
        EventLine(
            row.pk, item_line(row.item), row.kind.name, row.occurred_at, row.pk in set(removed)
        )
        for row in rows
    ]


def kinds() -> list[str]:
    """Return the names of all kinds of events; one query."""
    return list(EventKind.objects.order_by("pk").values_list("name", flat=True))


def found_items(query: str) -> list[tuple[int, str, str]]:
    """Return key, title and id of the items that a text may mean; one query, none for no text."""
    return pages_search.items(query) if query else []


def _events(end_user_id: int, removed: Sequence[str]) -> tuple[tuple[int, ...], list[str]]:
    keys = {text: _key(text) for text in removed}
    known = set(
        histories.used_by(end_user_id)
        .filter(pk__in=[key for key in keys.values() if key is not None])
        .values_list("pk", flat=True)
        if keys
        else []
    )
    errors = [
        f"“{text[:40]}” is no event of this person, so it cannot be left out."
        for text, key in keys.items()
        if key not in known
    ]
    return tuple(sorted(known)), errors


def _added(texts: Sequence[str]) -> tuple[tuple[Added, ...], list[str]]:
    parts = [(text, *text.partition(":")[::2]) for text in texts]
    if not parts:
        return (), []
    keys = [_key(item) for _, item, _ in parts]
    items, names = item_lines([key for key in keys if key is not None]), set(kinds())
    found, errors = [], []
    for (text, item, kind), key in zip(parts, keys, strict=True):
        if key is None or key not in items:
            errors.append(f"There is no item “{item[:40]}”, so no event with it can be put in.")
        elif kind not in names:
            errors.append(f"There is no kind of event “{kind[:40]}”.")
        else:
            found.append(Added(text, kind, items[key]))
    return tuple(found), errors


def _key(text: str) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        return None
    return int(text)
