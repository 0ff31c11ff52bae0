"""What to show to a person: plan, one read, rules. The API and the preview of a placement call the same."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.core.signing import Signer
from django.utils.crypto import constant_time_compare

from recommender.evaluation.interleaving import mark
from recommender.models.placements import DEFAULT
from recommender.ranking import cursors, interleaving
from recommender.ranking.answer_ids import SOURCES, AnswerId
from recommender.ranking.candidates import Standing
from recommender.ranking.composing import Placed
from recommender.ranking.rules import Rules
from recommender.selectors import reading
from recommender.selectors.reading import Person
from recommender.services import asking_now, assembling, keeping, planning
from recommender.services.assembling import Asked, Assembly
from recommender.services.keeping import Kept
from recommender.services.planning import Plan

LETTERS = {source: letter for letter, source in SOURCES.items()}


class CursorRefused(Exception):
    """The cursor is not one that an answer to this person in this placement has given."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets.

    Attributes:
        placement: its name
        run: the publication, None where none answers
        end_user: key, None for a stranger
        is_fallback: nothing personal answers
        next: continues the list where this page ends; "" where it ends
        variants: of experiments that had a say
        reasons: what is stored of the slate's items, in no order that counts
    """

    user_id: str
    items: tuple[Placed, ...]
    placement: str = DEFAULT
    run: int | None = None
    end_user: int | None = None
    generated_at: datetime | None = None
    events_through: datetime | None = None
    is_fallback: bool = False
    recommendation_id: str = ""
    next: str = ""
    variants: tuple[int, ...] = ()
    reasons: Sequence[Any] = ()


def recommend(
    *,
    user_id: str,
    placement: str = DEFAULT,
    n: int | None = None,
    offset: int = 0,
    category: str = "",
    exclude: Iterable[str] = (),
    cursor: str | None = None,
    explain: bool = False,
    now: datetime,
) -> Answer:
    """Return what to show to a person; never an error for somebody unknown.

    Args:
        n: how many; None: as many as the placement says.
        offset: of the first item in the list
        cursor: what `next` of the page before said, "" on the first page of a list that will go on; `offset`
            then says nothing. None: no `next` is wanted
        explain: whether the stored reasons are wanted

    Raises:
        PlacementUnknown: there is no such placement.
        CursorRefused: the cursor is of another list.
    """
    plan = planning.plan(placement, user_id, now)
    asked = Asked(
        user_id=user_id,
        n=n or plan.rules.length,
        now=now,
        offset=offset,
        category=category,
        exclude=frozenset(exclude),
        standing=_standing(cursor) if cursor else None,
        wants_reasons=explain,
        wants_next=cursor is not None,
    )
    person = reading.person(user_id, assembling.wanted(plan, asked))
    owner = _owner_of(cursor, asked, person, placement) if cursor else ""
    return _answer(plan, asked, person, placement=placement, kept=keeping.current(), owner=owner)


def recommend_many(
    *, user_ids: Sequence[str], placement: str = DEFAULT, n: int | None = None, now: datetime
) -> list[Answer]:
    """Return what to show to several people, in their order: the same as each would get alone.

    Raises:
        PlacementUnknown: there is no such placement.
    """
    plans = [planning.plan(placement, user_id, now) for user_id in user_ids]
    asked = [
        Asked(user_id=user_id, n=n or plan.rules.length, now=now)
        for user_id, plan in zip(user_ids, plans, strict=True)
    ]
    # Variants of an experiment may want different things: each is read as it wants.
    found: dict[str, Person | None] = {}
    needs = [assembling.wanted(plan, one) for plan, one in zip(plans, asked, strict=True)]
    for need in dict.fromkeys(needs):
        ids = [user_id for user_id, own in zip(user_ids, needs, strict=True) if own == need]
        found |= dict(zip(ids, reading.people(ids, need), strict=True))
    kept = keeping.current()
    return [
        _answer(plan, one, found[one.user_id], placement=placement, kept=kept)
        for plan, one in zip(plans, asked, strict=True)
    ]


def recommend_somebody(
    somebody: Person,
    *,
    placement: str = DEFAULT,
    n: int | None = None,
    exclude: Iterable[str] = (),
    now: datetime,
) -> Answer:
    """Return what to show to somebody who is not stored, from candidates that were found just now.

    They take part in no experiment, and the list has one page.

    Args:
        somebody: with 0 for their key.

    Raises:
        PlacementUnknown: there is no such placement.
    """
    plan = planning.plan(placement, None, now)
    asked = Asked(user_id="", n=n or plan.rules.length, now=now, exclude=frozenset(exclude))
    answer = _answer(plan, asked, somebody, placement="", kept=keeping.current())
    said = AnswerId(
        run=answer.run or 0,
        end_user=0,
        placement=plan.placement_id,
        version=plan.version_id,
        source=LETTERS["fallback" if answer.is_fallback else "session"],
        at_ms=int(now.timestamp() * 1000),
    )
    named = _signer("recommendation").sign(said.to_text())
    return replace(answer, placement=placement, end_user=None, recommendation_id=named)


def preview(rules: Rules, *, user_id: str, n: int, now: datetime) -> Answer:
    """Return what rules that nobody has saved would show to a person, with no `recommendation_id`."""
    plan = Plan(rules)
    asked = Asked(user_id=user_id, n=n, now=now)
    kept = keeping.current()
    kept.shelf.find({pin.item_id for pin in rules.pins})
    person = reading.person(user_id, assembling.wanted(plan, asked))
    return _answer(plan, asked, person, placement="", kept=kept)


def _answer(
    plan: Plan,
    asked: Asked,
    person: Person | None,
    *,
    placement: str,
    kept: Kept,
    owner: str = "",
) -> Answer:
    """Make an answer; `owner` is of the list that goes on, as `_owner` has it."""
    items = assembling.plain_page(plan, asked, person)
    made = None
    if items is None:
        items, made, person = _composed(plan, asked, person, kept)
    personal = person if made is None or made.is_personal else None
    answer = Answer(
        user_id=asked.user_id,
        items=items,
        placement=placement,
        run=personal.publication if personal else None,
        end_user=person.end_user if person else None,
        generated_at=personal.generated_at if personal else made.counted_at if made else None,
        events_through=personal.events_through if personal else None,
        is_fallback=personal is None,
        variants=plan.variants,
        reasons=personal.reasons if personal else (),
    )
    if not placement:
        return answer
    if person is not None and not person.is_opted_out:
        asking_now.note(person.end_user, wants_reasons=asked.wants_reasons)
    # A mixed list has no cursor: a page that goes on could not say which list gave an item.
    goes_on = made is not None and asked.wants_next and made.composer.has_more and not made.teams
    following = ""
    if made and items and goes_on:
        owner = owner or (_owner(personal) if personal else "")
        following = _closed(made, asked.user_id, placement, owner)
    return replace(
        answer, recommendation_id=_recommendation_id(plan, answer, made, asked.now), next=following
    )


def _composed(
    plan: Plan, asked: Asked, person: Person | None, kept: Kept
) -> tuple[tuple[Placed, ...], Assembly, Person | None]:
    """Put a page together; items that were hidden a moment ago are left out and others take their places."""
    wanted = assembling.wanted(plan, asked)
    if person is not None and person.end_user and len(person.items) == wanted.num:
        # It was cut to the page, and now there is more to look at.
        person = reading.person(asked.user_id, replace(wanted, num=None))
    hidden: set[int] = set()
    while True:
        made = assembling.assemble(plan, asked, person, kept.shelf, hidden=hidden)
        if asked.standing is None and asked.offset:
            made.composer.skip(asked.offset, asked.n)
        items = tuple(made.composer.page(asked.n))
        newly = _newly_hidden(items, person)
        if not newly - hidden:
            return items, made, person
        hidden |= newly


def _newly_hidden(items: Sequence[Placed], person: Person | None) -> set[int]:
    """Return which items that are not of the slate are hidden: of the others the read has said it."""
    known = set(person.items) if person else set()
    others = [one.item for one in items if one.item not in known]
    return reading.hidden_of(others) if others else set()


def _recommendation_id(plan: Plan, answer: Answer, made: Assembly | None, now: datetime) -> str:
    """Name what was shown, when and to whom, signed, so that a read writes nothing down."""
    source, teams, is_mixed = "fallback" if answer.is_fallback else "slate", 0, False
    if made is not None and made.teams:
        shown = [one.item for one in answer.items]
        source, is_mixed = "interleaved", True
        teams = mark(interleaving.given(shown, made.teams, seed=made.seed))
    said = AnswerId(
        run=answer.run or 0,
        end_user=answer.end_user or 0,
        placement=plan.placement_id,
        version=plan.version_id,
        source=LETTERS[source],
        at_ms=int(now.timestamp() * 1000),
        # Who gave what in a longer page than fits is not known, so nobody gets credit for it.
        variants=plan.variants if teams or not is_mixed else (),
        teams=teams,
    )
    return _signer("recommendation").sign(said.to_text())


def _closed(made: Assembly, user_id: str, placement: str, owner: str) -> str:
    text = cursors.to_text(made.composer.standing())
    signature = _signer("page").signature(_bound(text, user_id, placement, owner))
    return f"{text}.{signature}"


def _standing(cursor: str) -> Standing:
    try:
        return cursors.from_text(cursor.partition(".")[0])
    except cursors.NotACursor as error:
        raise CursorRefused from error


def _owner_of(cursor: str, asked: Asked, person: Person | None, placement: str) -> str:
    """Return whose the list is that a cursor continues, "" where it is nobody's in particular.

    Raises:
        CursorRefused: it is somebody else's, of another placement, or the person has opted out, wanted things
            forgotten or been erased since.
    """
    text, _, signature = cursor.partition(".")
    for owner in ("", _owner(person)):
        bound = _bound(text, asked.user_id, placement, owner)
        if constant_time_compare(_signer("page").signature(bound), signature):
            return owner
    raise CursorRefused


def _owner(person: Person | None) -> str:
    """Return for whom a personal list holds: this person, until they opt out or want something forgotten."""
    if person is None or not person.end_user or person.is_opted_out:
        return ""
    return f"{person.end_user} {reading.forgotten_before(person.end_user)}"


def _bound(text: str, user_id: str, placement: str, owner: str) -> str:
    return f"{placement}\0{user_id}\0{owner}\0{text}"


@functools.cache
def _signer(salt: str) -> Signer:
    return Signer(salt=salt)
