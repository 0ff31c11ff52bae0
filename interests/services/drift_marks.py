"""What analysts say of drift events: right, wrong, or explained by something that is known."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from interests.models import DriftEvent, DriftMark

NOTE_LENGTH = 500


class CannotMark(Exception):
    """The mark cannot be taken; the message says why and what to do."""


def mark(
    *,
    drift_event_id: int,
    verdict: str,
    made_by: User | None,
    now: datetime,
    note: str = "",
) -> DriftMark:
    """Say what a drift event is; whoever says it last is right. It stays when people are tracked anew.

    Raises:
        DriftEvent.DoesNotExist: there is none with this key.
        CannotMark: it is no verdict that there is, the note is too long, or "explained" is left unexplained.
    """
    told = note.strip()
    if verdict not in DriftMark.Verdict.values:
        raise CannotMark(f"Say one of {', '.join(DriftMark.Verdict.values)}, not {verdict[:50]!r}.")
    if len(told) > NOTE_LENGTH:
        raise CannotMark(f"A note may have {NOTE_LENGTH} characters at most, not {len(told):,}.")
    if "\0" in told:
        raise CannotMark("The note holds a character that cannot be stored (NUL).")
    if verdict == DriftMark.Verdict.EXPLAINED and not told:
        raise CannotMark("Say in the note what explains the change: a campaign, a holiday, ...")
    with transaction.atomic():
        # Held, so that a person who is being erased leaves no mark behind.
        event = DriftEvent.objects.select_for_update(of=("self",), no_key=True).get(
            pk=drift_event_id
        )
        made, _ = DriftMark.objects.update_or_create(
            end_user_id=event.end_user_id,
            detected_at=event.detected_at,
            defaults={
                "begin_at": event.begin_at,
                "verdict": verdict,
                "note": told,
                "made_by": made_by,
                "made_at": now,
            },
        )
    return made


def unmark(*, drift_event_id: int) -> bool:
    """Take back what was said of a drift event; return whether there was anything.

    Raises:
        DriftEvent.DoesNotExist: there is none with this key.
    """
    event = DriftEvent.objects.get(pk=drift_event_id)
    gone, _ = DriftMark.objects.filter(
        end_user_id=event.end_user_id, detected_at=event.detected_at
    ).delete()
    return bool(gone)
