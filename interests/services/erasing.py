"""Erasure of a person: everything that names them, everywhere, in one transaction.

What is in between meanwhile leaves them out: whoever writes states or slates locks the people first and asks
who is still there. What webhooks and mails have carried away, and backups, are beyond our reach.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import Q

from interests.models import Alias, Controls, EndUser, RejectedRow
from interests.selectors import belongings, people
from interests.services import patience, unlearning
from recsite.access import auditing
from recsite.access.models import AuditEntry

# Columns of files that name people: user_id, userId, User ID. None names an item so.
REJECTED = """
    SELECT id FROM interests_rejectedrow AS rejected WHERE EXISTS (
        SELECT FROM jsonb_each_text(rejected.row) AS pair
        WHERE pair.value = ANY(%s) AND pair.key ILIKE '%%user%%'
    )
"""


class EndUserUnknown(Exception):
    """Nobody is known by the id, and no row of a file names it."""


@dataclass(frozen=True)
class Erased:
    """How much there was of somebody."""

    num_events: int
    num_rows: int


def erase(*, user_id: str) -> Erased:
    """Erase an end user, by any of their ids, with all that is held of them.

    The audit keeps that somebody was erased, when and by whom, not whom.

    Raises:
        EndUserUnknown: there is nothing to erase.
        OperationalError: somebody else holds the person for seconds; nothing was erased.
    """
    return patience.patiently(lambda: _erase(user_id))


def _erase(user_id: str) -> Erased:
    person = people.find(user_id)
    if person is None:
        return _erase_rejected(user_id)
    if not EndUser.objects.filter(pk=person.pk).select_for_update().exists():
        return _erase(user_id)  # merged or erased since
    names = [
        person.user_id,
        *Alias.objects.filter(end_user=person).values_list("user_id", flat=True),
    ]
    unlearning.unlearn(end_user_ids=[person.pk])
    num_events, num_rows = 0, 0
    for belonging in belongings.everything():
        num, _ = belonging.rows([person.pk]).delete()
        num_events += num if belonging.label == "interests.interaction" else 0
        num_rows += num
    num_rows += _delete_rejected(names)
    key = person.pk
    person.delete()
    _clear_traces(key)
    auditing.note(
        table="interests.enduser", object_key=key, action="erase", after={"events": num_events}
    )
    return Erased(num_events, num_rows)


def _erase_rejected(user_id: str) -> Erased:
    """Remove rows of files that name somebody who has never become an end user."""
    if not (num_rows := _delete_rejected([user_id])):
        raise EndUserUnknown(f'Nobody is known by the id "{user_id[:50]}".')
    return Erased(0, num_rows)


def _delete_rejected(names: list[str]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(REJECTED, [names])
        keys = [key for (key,) in cursor.fetchall()]
    num, _ = RejectedRow.objects.filter(pk__in=keys).delete()
    return num


def _clear_traces(key: int) -> None:
    """Remove what the audit and the admin's own log say of a person."""
    controls = Controls._meta.label_lower
    AuditEntry.objects.filter(
        Q(table=controls, object_key=str(key))
        | Q(table=EndUser._meta.label_lower, object_key=str(key))
        | Q(table="interests.alertrule") & (Q(before__end_user_id=key) | Q(after__end_user_id=key))
    ).delete()
    LogEntry.objects.filter(
        content_type__app_label="interests",
        content_type__model__in=["enduser", "controls"],
        object_id=str(key),
    ).delete()
