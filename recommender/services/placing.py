"""Placements as curators make them: versions of their rules saved, put live, put back, thrown away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, ProtectedError, RestrictedError
from django.utils.text import slugify

from interests.models import Category, Item
from recommender.models import Placement, PlacementSwitch, PlacementVersion
from recommender.models.placements import DEFAULT
from recommender.ranking.rules import Rules, RulesError

# An address that stands for something else.
RESERVED = ("new",)


class CannotPlace(Exception):
    """It cannot be done; the message says why and what to do."""


class CannotKeep(CannotPlace):
    """The rules cannot be followed; `problems` says what is wrong and what to do, by rule."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


class ChangedMeanwhile(CannotPlace):
    """Somebody else saved or put live another version since the page was opened."""


def make(*, name: str, description: str, now: datetime) -> Placement:
    """Make a placement; the rules that a placement starts with answer for it at once.

    Raises:
        CannotPlace: the name is taken or is none.
    """
    if not name or name in RESERVED or len(name) > 50 or slugify(name) != name.lower():
        raise CannotPlace(
            f'"{name[:60]}" cannot be a name: use 1 to 50 letters, digits, - and _, such as home-top.'
        )
    with transaction.atomic():
        made, is_new = Placement.objects.get_or_create(
            name=name, defaults={"description": description, "created_at": now}
        )
    if not is_new:
        raise CannotPlace(
            f'There is a placement "{name}" already. Open it, or choose another name.'
        )
    return made


def describe(*, placement_id: int, description: str) -> None:
    """Say what a placement is for."""
    Placement.objects.filter(pk=placement_id).update(description=description)


def problems(rules: Rules) -> dict[str, str]:
    """Return what cannot be followed and what to do about it, by rule; empty: nothing.

    Keys are `categories_in`, `categories_out`, and `pins.0`, `boosts.0` for the first of each.
    """
    return {**_problems_of_categories(rules), **_problems_of_items(rules)}


@transaction.atomic
def save_version(
    *,
    placement_id: int,
    rules: Rules,
    note: str,
    based_on: int,
    by: User | None,
    now: datetime,
) -> PlacementVersion:
    """Save rules as the next version of a placement, a draft until it is put live.

    Args:
        based_on: key of the newest version that the editor knew of, 0 for none.

    Raises:
        CannotKeep: the rules cannot be followed.
        ChangedMeanwhile: somebody saved another version since.
    """
    if found := problems(rules):
        raise CannotKeep(found)
    placement = _locked(placement_id)
    newest = placement.versions.order_by("-number").select_related("created_by").first()
    if newest is not None and newest.pk != based_on:
        raise ChangedMeanwhile(
            f"{_who(newest.created_by)} saved version {newest.number} while you were editing."
        )
    return PlacementVersion.objects.create(
        placement=placement,
        number=_next_number(placement),
        rules=rules.to_plain(),
        note=note,
        created_by=by,
        created_at=now,
    )


@transaction.atomic
def go_live(
    *,
    placement_id: int,
    number: int,
    instead_of: int,
    reason: str,
    by: User | None,
    now: datetime,
) -> PlacementVersion | None:
    """Let a version answer from now on; any version can be put live again, so this is also the way back.

    Args:
        number: of the version; 0: the rules that a placement starts with.
        instead_of: number of the version that was live when the page was opened.

    Raises:
        CannotPlace: there is no such version, or it is live.
        CannotKeep: its rules cannot be followed, for example because an item is gone.
        ChangedMeanwhile: another version went live since.
    """
    placement = _locked(placement_id)
    live = placement.live_version.number if placement.live_version else 0
    if live != instead_of:
        last = placement.switches.order_by("-pk").select_related("switched_by").first()
        raise ChangedMeanwhile(
            f"{_who(last.switched_by if last else None)} put {_named(live)} live meanwhile. Compare with that, then "
            "decide again."
        )
    if number == live:
        raise CannotPlace(
            f"{_named(number).capitalize()} {'is' if number else 'are'} live already."
        )
    version = placement.versions.filter(number=number).first()
    if version is None and number:
        raise CannotPlace(f'"{placement}" has no version {number}. Somebody threw it away.')
    if version is not None and (found := _problems_of_stored(version)):
        raise CannotKeep(found)
    if version is not None and version.went_live_at is None:
        version.went_live_at = now
        version.save(update_fields=["went_live_at"])
    placement.live_version = version
    placement.save(update_fields=["live_version"])
    PlacementSwitch.objects.create(
        placement=placement, version=version, switched_at=now, switched_by=by, reason=reason
    )
    return version


@transaction.atomic
def throw_away(*, placement_id: int, number: int) -> None:
    """Remove a draft. What was live once stays for good.

    Raises:
        CannotPlace: it was live, or something else still needs it.
    """
    placement = _locked(placement_id)
    version = placement.versions.filter(number=number).first()
    if version is None:
        return
    if version.went_live_at is not None:
        raise CannotPlace(f"Version {number} was live; it stays, so that one can go back to it.")
    _delete(version, f"Version {number}")


@transaction.atomic
def delete(*, placement_id: int) -> None:
    """Delete a placement with all of its versions.

    Raises:
        CannotPlace: it is the one that answers requests without a name, or something else needs it.
    """
    placement = _locked(placement_id)
    if placement.name == DEFAULT:
        raise CannotPlace(
            '"default" answers requests that name no placement; it cannot be deleted.'
        )
    # What is live is protected from being deleted alone.
    placement.live_version = None
    placement.save(update_fields=["live_version"])
    _delete(placement, f'"{placement}"')


def _locked(placement_id: int) -> Placement:
    """Return a placement that nobody else changes before this transaction ends."""
    found = (
        Placement.objects.select_for_update(of=("self",))
        .select_related("live_version")
        .filter(pk=placement_id)
        .first()
    )
    if found is None:
        raise CannotPlace("This placement is gone; somebody deleted it.")
    return found


def _delete(row: Placement | PlacementVersion, name: str) -> None:
    try:
        row.delete()
    except (ProtectedError, RestrictedError) as error:
        users = ", ".join(sorted({str(one) for one in error.args[1]})[:3])
        raise CannotPlace(f"{name} is still needed by {users}. End that first.") from error


def _next_number(placement: Placement) -> int:
    newest: int | None = placement.versions.aggregate(newest=Max("number"))["newest"]
    return (newest or 0) + 1


def _named(number: int) -> str:
    return f"version {number}" if number else "the rules that a placement starts with"


def _who(account: User | None) -> str:
    return account.get_username() if account else "Somebody"


def _problems_of_stored(version: PlacementVersion) -> dict[str, str]:
    """Return what is wrong with a version that may be of another year: the catalogue has changed since."""
    try:
        return problems(Rules.from_plain(version.rules))
    except RulesError as error:
        return {error.name: f"{error}"}


def _problems_of_categories(rules: Rules) -> dict[str, str]:
    named = {*rules.categories_in, *rules.categories_out}
    boosted = {
        f"boosts.{n}": boost.category for n, boost in enumerate(rules.boosts) if boost.category
    }
    wanted = named | set(boosted.values())
    known = set(Category.objects.filter(name__in=wanted).values_list("name", flat=True))
    found = {}
    for rule in ("categories_in", "categories_out"):
        if gone := [name for name in getattr(rules, rule) if name not in known]:
            found[rule] = (
                f"There is no category {_listed(gone)}. Take it out, or search for another."
            )
    for rule, name in boosted.items():
        if name not in known:
            found[rule] = (
                f"There is no category {_listed([name])}. Remove it, or search for another."
            )
    if both := sorted(set(rules.categories_in) & set(rules.categories_out)):
        found.setdefault(
            "categories_out", f"{_listed(both)} is both shown and left out. Take it out of one."
        )
    return found


def _problems_of_items(rules: Rules) -> dict[str, str]:
    named = {f"pins.{n}": pin.item_id for n, pin in enumerate(rules.pins)}
    named |= {f"boosts.{n}": boost.item_id for n, boost in enumerate(rules.boosts) if boost.item_id}
    rows = Item.objects.filter(item_id__in=set(named.values()))
    is_hidden = dict(rows.values_list("item_id", "is_hidden"))
    found = {}
    for rule, item_id in named.items():
        if item_id not in is_hidden:
            found[rule] = (
                f"There is no item {_listed([item_id])}. Remove it, or search for another."
            )
        elif is_hidden[item_id]:
            found[rule] = (
                "This item is hidden from all lists. Remove it here, or show it in the catalogue."
            )
    return found


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name[:60]}"' for name in names)
