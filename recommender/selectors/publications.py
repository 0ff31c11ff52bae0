"""What serves, since when, how fresh it is, and how two publications differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import F, Max, Min, Q

from interests.models import ChangeMark, Interaction, Item, RunState
from recommender.models import PublicationRun, Serving, Slate, Switch

# A list that people look at; deeper places hardly matter to them.
TOP = 10
NUM_MOVED_ITEMS = 10
NUM_MOST_CHANGED = 10
# Keys of end users whose slates are compared in one go.
KEYS_AT_ONCE = 5_000
# Slates of two publications that are compared within a second.
COMPARED_AT_ONCE = 20_000
# What a mark's person failed so often waits for its next event or for somebody to look.
MAX_FAILURES = 3
# Why the switch was flipped, where somebody went back.
ROLLED_BACK = "rolled back"


@dataclass(frozen=True)
class MovedItem:
    """An item and in how many more (or fewer) top tens it stands."""

    item_id: str
    title: str
    num_end_users: int


@dataclass(frozen=True)
class MostChanged:
    """An end user and how many of the top ten were not in it before."""

    end_user_id: int
    num_new_items: int


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
        num_by_new_items: how many of those people see 0, 1, ... 10 items that were not in their top ten
        most_changed: those who see most of them, by key: names are looked up where they are shown, so that
            nobody who is erased stays in here
        num_sampled: 0, or how many people were drawn to be compared
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
    num_by_new_items: tuple[int, ...] = ()
    most_changed: tuple[MostChanged, ...] = ()
    num_sampled: int = 0

    @property
    def mean_new_items(self) -> float:
        """How many items of a top ten were not in it before, on average."""
        total = sum(num * people for num, people in enumerate(self.num_by_new_items))
        return total / max(sum(self.num_by_new_items), 1)


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


def served_before(serving: PublicationRun) -> list[PublicationRun]:
    """Return what may be gone back to from what serves, the last that served first; at most two queries.

    The log of the switch tells, not the order in which publications were made. Going back takes away what it
    goes back from, so that going back twice is two steps back and not there and back again. What is held is
    left out; what has no slates any more is in.
    """
    behind = _path(serving.pk)[-2::-1]
    runs = PublicationRun.objects.filter(state=RunState.DONE, held_at=None).in_bulk(set(behind))
    return [runs[key] for key in dict.fromkeys(behind) if key in runs and key != serving.pk]


def _path(serving: int) -> list[int]:
    """Return the keys of publications as they took over from each other, without those gone back from."""
    path: list[int] = []
    for key, reason in Switch.objects.order_by("pk").values_list("publication_id", "reason"):
        if reason == ROLLED_BACK and key in path:
            del path[len(path) - path[::-1].index(key) :]
        elif path[-1:] != [key]:
            path.append(key)
    return path if path[-1:] == [serving] else [*path, serving]


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


def difference(
    older: PublicationRun, newer: PublicationRun, *, people: Collection[int] | None = None
) -> Difference:
    """Return how the top tens of two publications differ, of everybody or of some people, by key."""
    num, num_moved, sum_overlaps = Counter[str](), Counter[int](), 0.0
    by_new_items, most = [0] * (TOP + 1), list[MostChanged]()
    for user, before, after in _pairs_of_tops(older, newer, people=people):
        if before is None or after is None:
            num["newer" if before is None else "older"] += 1
            continue
        num["both"] += 1
        num["changed"] += before != after
        sum_overlaps += _overlap(before, after)
        num_moved.update(after)
        num_moved.subtract(before)
        num_new = len(set(after) - set(before))
        by_new_items[num_new] += 1
        if num_new:
            most.append(MostChanged(user, num_new))
        if len(most) > KEYS_AT_ONCE:
            most = _most(most)
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
        num_by_new_items=tuple(by_new_items),
        most_changed=tuple(_most(most)),
        num_sampled=0 if people is None else len(people),
    )


def sample_of(publication: PublicationRun, *, size: int, seed: int) -> list[int]:
    """Return the keys of up to `size` people with a slate in a publication, drawn by a seed; two queries."""
    slates = Slate.objects.filter(publication=publication)
    bounds = slates.aggregate(first=Min("end_user_id"), last=Max("end_user_id"))
    if bounds["first"] is None:
        return []
    random = np.random.default_rng(seed)
    span = bounds["last"] - bounds["first"] + 1
    # Keys have gaps where people were erased; twice as many as wanted meet enough who are there.
    drawn = random.permutation(span) if span <= 2 * size else random.integers(0, span, 2 * size)
    keys = [int(key) for key in dict.fromkeys(drawn + bounds["first"])]
    there = set(slates.filter(end_user_id__in=keys).values_list("end_user_id", flat=True))
    return [key for key in keys if key in there][:size]


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
    # Kept before people were counted by how much changed for them: there are none.
    most = tuple(MostChanged(**one) for one in kept.get("most_changed", ()))
    counted = tuple(kept.get("num_by_new_items", ()))
    return Difference(**{**kept, **moved, "most_changed": most, "num_by_new_items": counted})


def is_small(*pair: PublicationRun) -> bool:
    """Tell whether two publications can be compared while somebody waits; one query."""
    slates = Slate.objects.filter(publication__in=pair)
    return slates[: COMPARED_AT_ONCE + 1].count() <= COMPARED_AT_ONCE


def _pairs_of_tops(
    older: PublicationRun, newer: PublicationRun, *, people: Collection[int] | None
) -> Iterator[tuple[int, list[int] | None, list[int] | None]]:
    """Yield each person with the top tens in both, None where there is no slate; some thousand in memory."""
    slates = Slate.objects.filter(publication__in=[older, newer])
    if people is not None:
        slates = slates.filter(end_user_id__in=people)
    bounds = slates.aggregate(first=Min("end_user_id"), last=Max("end_user_id"))
    step = KEYS_AT_ONCE if people is None else (bounds["last"] or 0) + 1
    for first in range(bounds["first"] or 0, (bounds["last"] or -1) + 1, step):
        some = slates.filter(end_user_id__gte=first, end_user_id__lt=first + step)
        tops: dict[int, dict[int, list[int]]] = {older.pk: {}, newer.pk: {}}
        for publication, user, top in some.values_list(
            "publication_id", "end_user_id", f"items__0_{TOP}"
        ):
            tops[publication][user] = top
        before, after = tops[older.pk], tops[newer.pk]
        for user in before.keys() | after.keys():
            yield user, before.get(user), after.get(user)


def _most(changed: list[MostChanged]) -> list[MostChanged]:
    return sorted(changed, key=lambda one: (-one.num_new_items, one.end_user_id))[:NUM_MOST_CHANGED]


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
