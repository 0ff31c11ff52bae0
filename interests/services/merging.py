"""A guest becomes a member: what the guest did and said is the member's from one moment on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import UniqueConstraint

from interests.models import AlertRule, Alias, Controls, EndUser, Impression, Interaction
from interests.selectors import belongings, people
from interests.selectors.belongings import Belonging
from interests.services import controlling, patience, unlearning
from recsite.access import auditing


class EndUserUnknown(Exception):
    """Nobody is known by the id."""


class CannotMerge(Exception):
    """The two cannot become one; `code` is stable, the message says why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class Merged:
    """What a merge did; nothing where the guest had become this member before."""

    into: EndUser
    num_events: int = 0
    num_impressions: int = 0
    is_done_now: bool = False


def merge(*, user_id: str, into: str, now: datetime) -> Merged:
    """Let a guest become a member, who is made where nobody is known by that id.

    Events, impressions and other ids move. Of controls the member's hold, and the guest's mutes join them; a
    member who has said nothing takes the guest's over. What was worked out of the guest's events goes, and
    the member is marked; the caller asks for a live worker after commit. From then on the guest's id means the
    member. Doing it again does nothing.

    Raises:
        EndUserUnknown: nobody is known by the guest's id.
        CannotMerge: the two are the same already, or the guest's id belongs to somebody else by now.
        OperationalError: somebody else holds one of them for seconds; nothing was done.
    """
    return patience.patiently(lambda: _merge(user_id, into, now=now))


def _merge(user_id: str, into: str, *, now: datetime) -> Merged:
    guest, member = people.find(user_id), people.find(into)
    if guest is None:
        raise EndUserUnknown(f'Nobody is known by the id "{user_id[:50]}".')
    if member is not None and guest.pk == member.pk:
        if guest.user_id == user_id:
            raise CannotMerge("same_end_user", "The two ids mean the same end user already.")
        return Merged(member)
    if guest.user_id != user_id:
        raise CannotMerge(
            "merged_already",
            f'"{user_id[:50]}" has become somebody else already. Merge that one if the two are the same person.',
        )
    if member is None:
        # Whoever registers has done nothing yet under the new id.
        EndUser.objects.bulk_create([EndUser(user_id=into, created_at=now)], ignore_conflicts=True)
        return _merge(user_id, into, now=now)
    locked = EndUser.objects.filter(pk__in=[guest.pk, member.pk]).order_by("pk").select_for_update()
    if len(locked) < 2:  # erased or merged since it was found: what holds now is another matter
        return _merge(user_id, into, now=now)
    return _move(*sorted(locked, key=lambda person: person.pk != guest.pk), now=now)


def _move(guest: EndUser, member: EndUser, *, now: datetime) -> Merged:
    num_events = Interaction.objects.filter(end_user=guest).update(end_user=member)
    num_impressions = Impression.objects.filter(end_user=guest).update(end_user=member)
    Alias.objects.filter(end_user=guest).update(end_user=member)
    AlertRule.objects.filter(end_user=guest).update(end_user=member)
    for belonging in belongings.measured():
        _move_measured(belonging, guest=guest, member=member)
    _unite_controls(guest, member, now=now)
    if guest.attributes:
        member.attributes = guest.attributes | member.attributes
        member.save(update_fields=["attributes"])
    unlearning.unlearn(end_user_ids=[guest.pk])
    guest_key = guest.pk
    guest.delete()
    Alias.objects.create(user_id=guest.user_id, end_user=member, created_at=now)
    unlearning.mark(end_user_ids=[member.pk], now=now)
    counts = {"guest": guest_key, "events": num_events, "impressions": num_impressions}
    auditing.note(table="interests.enduser", object_key=member.pk, action="merge", after=counts)
    return Merged(member, num_events, num_impressions, is_done_now=True)


def _unite_controls(guest: EndUser, member: EndUser, *, now: datetime) -> None:
    theirs = Controls.objects.filter(pk=guest.pk).first()
    if theirs is None:
        return
    own = Controls.objects.filter(pk=member.pk).first()
    said = [theirs, own] if own else [theirs]
    made = Controls(
        end_user=member,
        muted_category_ids=sorted({key for one in said for key in one.muted_category_ids}),
        boosts=(own or theirs).boosts,
        # What either of them wanted kept out of use stays out of it.
        forget_before=max((one.forget_before for one in said if one.forget_before), default=None),
        is_opted_out=any(one.is_opted_out for one in said),
        updated_at=now,
    )
    # What is muted is not boosted.
    muted = set(map(str, made.muted_category_ids))
    made.boosts = {key: factor for key, factor in made.boosts.items() if key not in muted}
    made.save()
    controlling.apply(member, before=own, after=made, now=now)


def _move_measured(belonging: Belonging, *, guest: EndUser, member: EndUser) -> None:
    """Move rows of a table where the member has none of the same kind; the others go with the guest."""
    meta = belonging.model._meta
    columns = {field.name: field.column for field in meta.concrete_fields}
    column = columns[belonging.field]
    same = [
        f"own.{columns[name]} = theirs.{columns[name]}"
        for constraint in meta.constraints
        if isinstance(constraint, UniqueConstraint) and belonging.field in constraint.fields
        for name in constraint.fields
        if name != belonging.field
    ]
    clash = f"own.{column} = %(member)s AND {' AND '.join(same)}" if same else "FALSE"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {meta.db_table} AS theirs SET {column} = %(member)s
            WHERE theirs.{column} = %(guest)s
            AND NOT EXISTS (SELECT FROM {meta.db_table} AS own WHERE {clash})
            """,
            {"guest": guest.pk, "member": member.pk},
        )
