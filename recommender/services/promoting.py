"""Through the gate: what may serve is promoted, what may not is held and says why."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from interests.models import RunState
from recommender.models import PublicationRun, Serving
from recommender.selectors import gating
from recommender.selectors.gating import Gate
from recommender.services import locking, switching
from recsite.access import auditing

TABLE = "recommender.publicationrun"


class CannotPromote(Exception):
    """The publication may not serve; the message says why and what to do."""


class CannotHold(Exception):
    """The publication cannot be held; the message says why and what to do."""


@transaction.atomic
def promote(
    *,
    publication: PublicationRun,
    by: str,
    reason: str,
    now: datetime,
    is_forced: bool = False,
) -> PublicationRun | None:
    """Let a finished publication serve if the gate is open; return the one that served before.

    Whoever forces it past a closed gate says why; the audit keeps that with what the gate said.

    Raises:
        CannotPromote: the gate is closed, or it is forced without a reason, or serves already.
        switching.CannotSwitch: it is not done, or its slates are gone.
    """
    locking.take(locking.Lock.SWITCH)
    publication.refresh_from_db()
    switching.insist_on_slates(publication)
    if Serving.objects.filter(publication=publication).exists():
        raise CannotPromote(f"{_name(publication)} serves already.")
    if is_forced and not reason.strip():
        raise CannotPromote("Say why it is to serve although the gate is closed.")
    gate = gating.judge(publication)
    if not gate.is_open and not is_forced:
        raise CannotPromote(
            f"{_name(publication)} may not serve. {' '.join(gate.reasons)} Somebody who knows better can force it: "
            f'manage.py promote {publication.pk} --force "WHY".'
        )
    before = switching.flip(publication=publication, by=by, reason=reason or "promoted", now=now)
    publication.results = publication.results | {"gate": gate.to_results()}
    publication.held_at, publication.held_by, publication.held_because = None, "", ""
    publication.save(update_fields=["results", "held_at", "held_by", "held_because"])
    auditing.note(
        table=TABLE,
        object_key=publication.pk,
        action="promote",
        after={
            "by": by,
            "reason": reason,
            "before": before.pk if before else None,
            "is_forced": is_forced and not gate.is_open,
            "gate": gate.reasons,
        },
    )
    return before


@transaction.atomic
def hold(*, publication: PublicationRun, by: str, reason: str, now: datetime) -> None:
    """Keep a publication from serving until somebody promotes it; one that is under way is made all the same.

    Raises:
        CannotHold: it serves, has failed or was stopped, or nobody says why.
    """
    locking.take(locking.Lock.SWITCH)
    publication.refresh_from_db()
    if publication.state in (RunState.FAILED, RunState.STOPPED):
        raise CannotHold(
            f"{_name(publication)} is {publication.state}: there is nothing to hold back."
        )
    if Serving.objects.filter(publication=publication).exists():
        raise CannotHold(
            f"{_name(publication)} serves. Roll back first (manage.py rollback), then hold it."
        )
    if not reason.strip():
        raise CannotHold("Say why it is to be held: others will ask.")
    keep_back(publication, by=by, reason=reason.strip(), now=now)


def keep_back(publication: PublicationRun, *, by: str, reason: str, now: datetime) -> None:
    """Hold a publication for a reason and note it; the caller holds the lock SWITCH. `by` is "" for the gate."""
    publication.held_at, publication.held_by = now, by[:150]
    publication.held_because = reason
    publication.save(update_fields=["held_at", "held_by", "held_because"])
    after = {"by": by or "the gate", "reason": reason}
    auditing.note(table=TABLE, object_key=publication.pk, action="hold", after=after)


def why_held(gate: Gate) -> str:
    """Say in one text why the gate is closed."""
    return " ".join(gate.reasons)


def _name(publication: PublicationRun) -> str:
    return str(publication).capitalize()
