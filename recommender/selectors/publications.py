"""What serves, since when, how fresh it is, and how two publications differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Max, Min, Q

from interests.models import ChangeMark, Interaction, Item
from recommender.models import PublicationRun, Serving, Slate, Switch

# A list that people look at; deeper places hardly matter to them.
TOP = 10
NUM_MOVED_ITEMS = 10
# Keys of end users whose slates are compared in one go.
KEYS_AT_ONCE = 5_000
# Slates of two publications that are compared within a second.
COMPARED_AT_ONCE = 20_000
# What a mark's person failed so often waits for its next event or for somebody to look.
MAX_FAILURES = 3


@dataclass(frozen=True)
class MovedItem:
    """An item and in how many more (or fewer) top tens it stands."""

    item_id: str
    title: str
    num_end_users: int


@dataclass(frozen=True)
class Difference:
    """How the slates of `newer` differ from those of `older`, over the people who have both.

    Attributes:
        num_end_users: people with a slate in both
        num_only_in_older: people whose slate is only there
        num_only_in_newer: likewise
        share_changed: of those with both, whose top ten holds other items or another order, 0 to 1
        mean_overlap: of their top tens, as a share of the longer one, 0 to 1
        entering: items that stand in more top tens than before, most first
        leaving: items that stand in fewer
    """

    older: int
    newer: int
    num_end_users: int
    num_only_in_older: int
    num_only_in_newer: int
    share_changed: float
    mean_overlap: float
    entering: tuple[MovedItem, ...]
    leaving: tuple[MovedItem, ...]


@dataclass(frozen=True)
class Freshness:
    """How far slates are behind events.

    Attributes:
        num_marked: people whose events their slate has not seen
        num_set_aside: those among them on whom work failed again and again
        oldest_mark_at: since when the first of the others waits
        lag_seconds: how long that is; 0.0 where nobody waits
        newest_event_at: arrival of the newest event
        events_through: arrival of the newest event that a serving slate has seen
    """

    num_marked: int
    num_set_aside: int
    oldest_mark_at: datetime | None
    lag_seconds: float
    newest_event_at: datetime | None
    events_through: datetime | None


def serving_now() -> Serving | None:
    """Return the switch with its publication and training, None where nothing serves yet."""
    return Serving.objects.select_related("publication__training_run").first()


def last_switches(*, limit: int = 10) -> list[Switch]:
    """Return the last flips of the switch, newest first."""
    switches = Switch.objects.select_related("publication__training_run")
    return list(switches.order_by("-switched_at", "-pk")[:limit])


def is_set_aside() -> Q:
    """Return the condition under which a change mark waits for a newer event of its person."""
    return Q(failures__gte=MAX_FAILURES, failed_generation=F("generation"))


def freshness(*, now: datetime) -> Freshness:
    """Return how far the serving slates are behind the events."""
    aside = is_set_aside()
    oldest_at = ChangeMark.objects.exclude(aside).aggregate(at=Min("marked_at"))["at"]
    newest = Interaction.objects.order_by("-pk").values_list("received_at", flat=True).first()
    slates = Slate.objects.filter(publication__in=Serving.objects.values("publication"))
    return Freshness(
        num_marked=ChangeMark.objects.count(),
        num_set_aside=ChangeMark.objects.filter(aside).count(),
        oldest_mark_at=oldest_at,
        lag_seconds=max((now - oldest_at).total_seconds(), 0.0) if oldest_at else 0.0,
        newest_event_at=newest,
        events_through=slates.aggregate(at=Max("events_through"))["at"],
    )


def difference(older: PublicationRun, newer: PublicationRun) -> Difference:
    """Return how the top tens of two publications differ."""
    num, num_moved, sum_overlaps = Counter[str](), Counter[int](), 0.0
    for before, after in _pairs_of_tops(older, newer):
        if before is None or after is None:
            num["newer" if before is None else "older"] += 1
            continue
        num["both"] += 1
        num["changed"] += before != after
        sum_overlaps += _overlap(before, after)
        num_moved.update(after)
        num_moved.subtract(before)
    return Difference(
        older=older.pk,
        newer=newer.pk,
        num_end_users=num["both"],
        num_only_in_older=num["older"],
        num_only_in_newer=num["newer"],
        share_changed=num["changed"] / max(num["both"], 1),
        mean_overlap=sum_overlaps / max(num["both"], 1),
        entering=_moved({item: num for item, num in num_moved.items() if num > 0}),
        leaving=_moved({item: -num for item, num in num_moved.items() if num < 0}),
    )


def to_results(found: Difference) -> dict[str, Any]:
    """Return a difference as plain values, for the results of the newer publication."""
    return asdict(found)


def kept_difference(older: PublicationRun, newer: PublicationRun) -> Difference | None:
    """Return the difference that was kept when `newer` was made; None if it was compared with another."""
    kept = newer.results.get("difference")
    if not kept or kept["older"] != older.pk:
        return None
    moved = {
        name: tuple(MovedItem(**item) for item in kept[name]) for name in ("entering", "leaving")
    }
    return Difference(**{**kept, **moved})


def is_small(*pair: PublicationRun) -> bool:
    """Tell whether two publications can be compared while somebody waits; one query."""
    slates = Slate.objects.filter(publication__in=pair)
    return slates[: COMPARED_AT_ONCE + 1].count() <= COMPARED_AT_ONCE


def _pairs_of_tops(
    older: PublicationRun, newer: PublicationRun
) -> Iterator[tuple[list[int] | None, list[int] | None]]:
    """Yield each person's top tens in both, None where there is no slate; some thousand in memory."""
    slates = Slate.objects.filter(publication__in=[older, newer])
    bounds = slates.aggregate(first=Min("end_user_id"), last=Max("end_user_id"))
    for first in range(bounds["first"] or 0, (bounds["last"] or -1) + 1, KEYS_AT_ONCE):
        some = slates.filter(end_user_id__gte=first, end_user_id__lt=first + KEYS_AT_ONCE)
        tops: dict[int, dict[int, list[int]]] = {older.pk: {}, newer.pk: {}}
        for publication, user, top in some.values_list(
            "publication_id", "end_user_id", f"items__0_{TOP}"
        ):
            tops[publication][user] = top
        before, after = tops[older.pk], tops[newer.pk]
        for user in before.keys() | after.keys():
            yield before.get(user), after.get(user)


def _overlap(before: list[int], after: list[int]) -> float:
    length = max(len(before), len(after))
    return len(set(before) & set(after)) / length if length else 1.0


def _moved(counts: Mapping[int, int]) -> tuple[MovedItem, ...]:
    top = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:NUM_MOVED_ITEMS]
    items = Item.objects.in_bulk([key for key, _ in top])
    return tuple(
        MovedItem(item_id=items[key].item_id, title=items[key].title, num_end_users=num)
        for key, num in top
        if key in items
    )
