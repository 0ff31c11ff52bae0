"""What people say about their own recommendations, taken down; the next answer keeps to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from interests.models import Category, Controls, EndUser
from interests.selectors import people
from interests.services import curating, patience, unlearning

# More than anybody ticks, and what an answer still takes in.
MAX_CATEGORIES = 500
LEAST_FACTOR, LARGEST_FACTOR = 0.01, 100.0
# Clocks of clients go wrong by so much; what is meant is now.
AHEAD = timedelta(minutes=5)


class ControlsInvalid(Exception):
    """Controls that make no sense; `code` is stable, the message says what would."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class Wishes:
    """All that a person says, categories by name.

    Attributes:
        muted: never shown
        boosts: by what the items of a category count, 0.01 to 100: above 1 more, below less
        forget_before: events before it are not used any more; None: all are
        is_opted_out: nothing is worked out of the person's events
    """

    muted: Sequence[str] = ()
    boosts: Mapping[str, float] = field(default_factory=dict)
    forget_before: datetime | None = None
    is_opted_out: bool = False


@dataclass(frozen=True)
class Said:
    """Controls as they stand; `is_worked_out_anew` tells that a live worker is wanted, after commit."""

    end_user: EndUser
    wishes: Wishes
    updated_at: datetime | None
    is_worked_out_anew: bool = False


def controls_of(end_user: EndUser) -> Said:
    """Return what somebody has said; the defaults where that is nothing. Two queries."""
    found = Controls.objects.filter(pk=end_user.pk).first()
    return Said(end_user, _wishes(found), found.updated_at if found else None)


def put(*, user_id: str, wishes: Wishes, now: datetime) -> Said:
    """Replace what somebody has said by this; an end user who is not known yet is made.

    Where other events are used than before, what was worked out of them is removed at once, and the person
    is marked.

    Raises:
        ControlsInvalid: a category is not known, muted and boosted at once, or a number or time makes no sense.
        OperationalError: somebody else holds the person for seconds; nothing was done.
    """
    columns = _columns(wishes, now=now)

    def work() -> Said:
        person = _locked(user_id, now=now)
        before = Controls.objects.filter(pk=person.pk).first()
        made = Controls(end_user=person, **columns, updated_at=now)
        # What is said again is no change: nothing is worked out for it.
        if before is not None and _is_same(before, made):
            return Said(person, _wishes(before), before.updated_at)
        made.save(force_insert=before is None, force_update=before is not None)
        is_anew = apply(person, before=before, after=made, now=now)
        return Said(person, _wishes(made), now, is_worked_out_anew=is_anew)

    return patience.patiently(work)


def apply(person: EndUser, *, before: Controls | None, after: Controls, now: datetime) -> bool:
    """Work out a person, locked by the caller, anew if other events are used than before; tell whether."""
    if _use_of_events(before) == _use_of_events(after):
        return False
    unlearning.unlearn(end_user_ids=[person.pk])
    unlearning.mark(end_user_ids=[person.pk], now=now)
    return True


def _use_of_events(controls: Controls | None) -> tuple[bool, datetime | None]:
    return (controls.is_opted_out, controls.forget_before) if controls else (False, None)


def _is_same(one: Controls, other: Controls) -> bool:
    names = ("muted_category_ids", "boosts", "forget_before", "is_opted_out")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _locked(user_id: str, *, now: datetime) -> EndUser:
    """Return the end user of an id, made where there is none, locked to the transaction's end."""
    found = people.find(user_id)
    if found is None:
        EndUser.objects.bulk_create(
            [EndUser(user_id=user_id, created_at=now)], ignore_conflicts=True
        )
        found = people.find(user_id)
    rows = EndUser.objects.select_for_update()
    person = rows.filter(pk=found.pk).first() if found else None
    if person is None:  # erased or merged in between: it is somebody new
        return _locked(user_id, now=now)
    return person


def _columns(wishes: Wishes, *, now: datetime) -> dict[str, object]:
    names = [*wishes.muted, *wishes.boosts]
    if len(names) > MAX_CATEGORIES:
        raise ControlsInvalid(
            "too_many_categories",
            f"{len(names)} categories are muted or boosted; {MAX_CATEGORIES} may be.",
        )
    if both := sorted(set(wishes.muted) & set(wishes.boosts)):
        raise ControlsInvalid(
            "category_muted_and_boosted",
            f'"{both[0]}" is muted and boosted at once. Name it in one of the two.',
        )
    storable = [name for name in names if curating.is_storable(name)]
    keys = dict(Category.objects.filter(name__in=storable).values_list("name", "pk"))
    if unknown := sorted(set(names) - set(keys)):
        raise ControlsInvalid(
            "category_unknown",
            f'There is no category "{unknown[0]}".'
            + (f" Nor are there {len(unknown) - 1} others." if len(unknown) > 1 else ""),
        )
    for name, factor in wishes.boosts.items():
        if not (math.isfinite(factor) and LEAST_FACTOR <= factor <= LARGEST_FACTOR):
            raise ControlsInvalid(
                "boost_out_of_range",
                f'The boost of "{name}" must lie between {LEAST_FACTOR} and {LARGEST_FACTOR:g}.',
            )
    return {
        "muted_category_ids": sorted({keys[name] for name in wishes.muted}),
        "boosts": {str(keys[name]): float(factor) for name, factor in wishes.boosts.items()},
        "forget_before": _time(wishes.forget_before, now=now),
        "is_opted_out": wishes.is_opted_out,
    }


def _time(given: datetime | None, *, now: datetime) -> datetime | None:
    if given is not None and given > now + AHEAD:
        raise ControlsInvalid(
            "forget_before_in_the_future",
            "forget_before lies in the future; only what has happened can be forgotten.",
        )
    return None if given is None else min(given, now)


def _wishes(controls: Controls | None) -> Wishes:
    """Return controls with the names of the categories that are still there."""
    if controls is None:
        return Wishes()
    keys = {*controls.muted_category_ids, *map(int, controls.boosts)}
    names = dict(Category.objects.filter(pk__in=keys).values_list("pk", "name")) if keys else {}
    return Wishes(
        muted=tuple(sorted(names[key] for key in controls.muted_category_ids if key in names)),
        boosts={
            names[int(key)]: factor
            for key, factor in sorted(controls.boosts.items())
            if int(key) in names
        },
        forget_before=controls.forget_before,
        is_opted_out=controls.is_opted_out,
    )
