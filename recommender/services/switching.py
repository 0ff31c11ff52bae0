"""The switch that says which publication serves: flipping it, going back, clearing away what is behind.

Whoever flips holds the lock SWITCH, whoever writes into what serves shares it (`services.refreshing`), so
no slate is renewed in a publication that has just stopped to serve while nobody notices.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from interests.models import RunState
from recommender.models import PublicationRun, Serving, Slate, Switch
from recommender.selectors import publications
from recommender.services import algorithm_files, locking
from recsite.access import auditing

# Publications before the one that serves whose slates are kept to go back to.
NUM_KEPT = 2

# People whose slate in the publication has not seen what their newest state has: events of theirs came
# while it was made, or since it last served; or who have said since what of them may be used.
MARK_OUTDATED = """
    INSERT INTO interests_changemark (end_user_id, marked_at, generation)
    SELECT person.id, %(now)s, 1
    FROM interests_enduser person
    JOIN interests_intereststate state ON state.id = person.current_state_id
    LEFT JOIN recommender_slate slate
           ON slate.end_user_id = person.id AND slate.publication_id = %(publication)s
    LEFT JOIN interests_controls controls ON controls.end_user_id = person.id
    WHERE slate.id IS NULL OR slate.events_through < state.events_through
       OR slate.generated_at < controls.updated_at
    ORDER BY person.id
    ON CONFLICT (end_user_id) DO UPDATE SET generation = interests_changemark.generation + 1
"""


class CannotSwitch(Exception):
    """The publication cannot serve; the message says why and what to do."""


@transaction.atomic
def switch_to(
    *, publication: PublicationRun, by: str, reason: str, now: datetime
) -> PublicationRun | None:
    """Let a finished publication serve; return the one that served before.

    Raises:
        CannotSwitch: it is not done, or its slates are gone.
    """
    locking.take(locking.Lock.SWITCH)
    return flip(publication=publication, by=by, reason=reason, now=now)


@transaction.atomic
def roll_back(*, by: str, now: datetime) -> PublicationRun:
    """Let the publication that served before the current one serve again, and return it.

    That is the one it took over from, whichever was made first. Going back twice goes back two steps, as far
    as slates are kept.

    Raises:
        CannotSwitch: nothing served before whose slates are still there.
    """
    locking.take(locking.Lock.SWITCH)
    serving = Serving.objects.select_related("publication").first()
    if serving is None:
        raise CannotSwitch("Nothing serves yet, so there is nothing to go back to. Publish first.")
    for publication in publications.served_before(serving.publication):
        if publication.slates.exists():
            flip(publication=publication, by=by, reason=publications.ROLLED_BACK, now=now)
            auditing.note(
                table="recommender.publicationrun",
                object_key=publication.pk,
                action="roll back",
                after={"by": by, "before": serving.publication_id},
            )
            return publication
    raise CannotSwitch(
        f"No slates of what served before {serving.publication} are kept. "
        "Publish from an older training instead: manage.py publish --training ID."
    )


def flip(
    *, publication: PublicationRun, by: str, reason: str, now: datetime
) -> PublicationRun | None:
    """Point the switch at a publication; the caller holds the lock SWITCH.

    Raises:
        CannotSwitch: it is not done, or its slates are gone.
    """
    publication.refresh_from_db()
    insist_on_slates(publication)
    before = Serving.objects.select_related("publication").first()
    Serving.objects.update_or_create(
        pk=Serving.ONLY, defaults={"publication": publication, "since": now}
    )
    Switch.objects.create(
        publication=publication, switched_at=now, switched_by=by[:150], reason=reason[:200]
    )
    with connection.cursor() as cursor:
        cursor.execute(MARK_OUTDATED, {"publication": publication.pk, "now": now})
    return before.publication if before else None


def insist_on_slates(publication: PublicationRun) -> None:
    """Refuse what cannot serve at all.

    Raises:
        CannotSwitch: it is not done, or its slates are gone.
    """
    if publication.state != RunState.DONE:
        raise CannotSwitch(
            f"{publication} is {publication.state}; only one that is done can serve."
        )
    if not publication.slates.exists():
        raise CannotSwitch(
            f"The slates of {publication} are gone. Publish its training again: "
            f"manage.py publish --training {publication.training_run_id}."
        )


@transaction.atomic
def clear_away(*, now: datetime) -> list[int]:
    """Remove slates that are older than what serves; return the keys of their publications.

    Those of the two that served last before it are kept to go back to. The runs stay, and their results say
    that the slates are gone. A publication newer than what serves is kept, for it may still be switched to,
    and so is what somebody holds; of those that the gate holds night after night, the newest two.
    """
    locking.take(locking.Lock.SWITCH)
    serving = Serving.objects.select_related("publication").first()
    if serving is None:
        return []
    current = serving.publication
    kept = [current.pk, *(run.pk for run in publications.served_before(current)[:NUM_KEPT])]
    with_slates = PublicationRun.objects.filter(
        pk__in=Slate.objects.values("publication_id"),
        state__in=[RunState.DONE, RunState.FAILED, RunState.STOPPED],
    )
    held_out = with_slates.filter(held_at__isnull=False, held_by="", pk__gt=current.pk)
    kept += held_out.order_by("-pk").values_list("pk", flat=True)[:NUM_KEPT]
    behind = with_slates.filter(Q(pk__lt=current.pk) | Q(pk__in=held_out.values("pk")))
    by_somebody = ~Q(held_by="")
    cleared = list(behind.exclude(by_somebody).exclude(pk__in=kept).order_by("pk"))
    for run in cleared:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM recommender_slate WHERE publication_id = %s", [run.pk])
            cursor.execute(
                "DELETE FROM recommender_similaritems WHERE publication_id = %s", [run.pk]
            )
            cursor.execute(
                "DELETE FROM recommender_interestmap WHERE publication_id = %s", [run.pk]
            )
        algorithm_files.remove(run.pk)
        run.results = run.results | {"slates_removed_at": now.isoformat()}
        run.save(update_fields=["results"])
    return [run.pk for run in cleared]
