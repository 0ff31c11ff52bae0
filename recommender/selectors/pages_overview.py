"""What the first page says: how much there is, what serves, what needs action."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from interests.models import Category, EndUser, ImportRun, Interaction, Item, RunState, TrainingRun
from interests.selectors import imports
from recommender.models import PublicationRun, Serving
from recommender.selectors import health, pages_end_users, pages_runs

# The nightly schedule trains once a day; two missed nights are worth a word.
NETWORK_IS_OLD = timedelta(days=2)
# A worker takes a waiting run within seconds; after this nobody is listening.
WORKER_IS_SILENT = timedelta(minutes=5)
# Queue -> who works on it, what stands still without it, how it is started.
WORKERS = {
    "training": (
        "The worker for trainings and evaluations",
        "None of them is begun.",
        "worker -Q training",
    ),
    "tuning": ("The worker for studies", "No trial of one is begun.", "worker -Q tuning"),
    "live": (
        "The worker for live events",
        "New events do not reach interests and recommendations.",
        "worker -Q live",
    ),
    "asked": (
        "The worker for questions",
        "Pages and sessions that need an answer at once get none.",
        "worker -Q asked",
    ),
    "default": (
        "The worker for imports and publications",
        "None of them is begun.",
        "worker -Q default",
    ),
    "beat": ("The schedule", "Nothing is begun by itself, nightly trainings included.", "beat"),
}
MANY_REJECTS_SHARE = 0.05
NUM_LAST_RUNS = 6


@dataclass(frozen=True)
class Counts:
    """Rows in the tables."""

    end_users: int
    drifting: int
    items: int
    categories: int
    events: int
    newest_event_at: datetime | None


@dataclass(frozen=True)
class ServingNow:
    """The publication that answers, and the training behind it."""

    publication_id: int
    training_id: int
    algorithm: str
    since: datetime
    trained_at: datetime | None
    events_until: datetime | None


@dataclass(frozen=True)
class Warning:
    """Something that needs action: what happened, what to do, and where."""

    title: str
    advice: str
    kind: str = ""
    pk: int = 0


def counts() -> Counts:
    """Return how many end users, items and events there are; five queries."""
    drifting = pages_end_users.SEGMENTS["drifting"]
    end_users = EndUser.objects.aggregate(num=Count("id"), drifting=Count("id", filter=drifting))
    newest = Interaction.objects.order_by("-pk").values_list("received_at", flat=True).first()
    return Counts(
        end_users=end_users["num"],
        drifting=end_users["drifting"],
        items=Item.objects.count(),
        categories=Category.objects.count(),
        events=Interaction.objects.count(),
        newest_event_at=newest,
    )


def serving_now() -> ServingNow | None:
    """Return what serves since when; one query."""
    serving = Serving.objects.select_related("publication__training_run").first()
    if serving is None:
        return None
    training = serving.publication.training_run
    return ServingNow(
        publication_id=serving.publication_id,
        training_id=training.pk,
        algorithm=serving.publication.algorithm,
        since=serving.since,
        trained_at=training.finished_at,
        events_until=training.window_to,
    )


def warnings(*, serving: ServingNow | None, now: datetime) -> list[Warning]:
    """Return what needs action, worst first; five queries at most."""
    return [
        *_failed_training(),
        *_held_publication(serving),
        *_silent_workers(now),
        *_old_network(serving, now),
        *_rejecting_import(),
    ]


def _failed_training() -> list[Warning]:
    last = (
        TrainingRun.objects.filter(state__in=[RunState.DONE, RunState.FAILED])
        .order_by("-finished_at")
        .values("pk", "state", "error")
        .first()
    )
    if last is None or last["state"] == RunState.DONE:
        return []
    return [Warning("The last training failed", last["error"], "training", last["pk"])]


def _held_publication(serving: ServingNow | None) -> list[Warning]:
    """Return a warning if the newest publication was made and the gate keeps it from serving."""
    last = PublicationRun.objects.filter(state=RunState.DONE).order_by("-pk").first()
    if last is None or last.held_at is None or last.held_by:
        return []
    goes_on = f"; publication {serving.publication_id} goes on serving" if serving else ""
    return [
        Warning(
            f"Publication {last.pk} is held{goes_on}",
            f"{last.held_because} Look at what would change, then promote it or train anew.",
            "publication",
            last.pk,
        )
    ]


def _silent_workers(now: datetime) -> list[Warning]:
    """Return a warning for each worker that was alive and is no longer, or of none where work waits for one."""
    seen = health.workers_seen()
    gone = [
        Warning(
            f"{WORKERS[worker.queue][0]} has been silent for {_span(worker.seconds)}",
            f"{WORKERS[worker.queue][1]} Start it: celery -A recsite {WORKERS[worker.queue][2]}",
        )
        for worker in seen
        if worker.is_silent and worker.seconds is not None
    ]
    is_any_unknown = any(worker.seconds is None for worker in seen if worker.queue != "beat")
    return gone or (_untaken_run(now) if is_any_unknown else [])


def _span(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _untaken_run(now: datetime) -> list[Warning]:
    waiting, _ = pages_runs.runs(states=[RunState.WAITING], limit=50)
    late = [row for row in waiting if now - row.requested_at > WORKER_IS_SILENT]
    if not late:
        return []
    first = late[-1]
    return [
        Warning(
            f"No worker has taken {first.kind} {first.pk}",
            "It has been waiting for more than 5 minutes. Start one: celery -A recsite worker -Q training,live,default",
            first.kind,
            first.pk,
        )
    ]


def _old_network(serving: ServingNow | None, now: datetime) -> list[Warning]:
    if serving is None or serving.trained_at is None or now - serving.trained_at < NETWORK_IS_OLD:
        return []
    days = (now - serving.trained_at).days
    return [
        Warning(
            f"The network that serves is {days} days old",
            "A training is due every night. Look at the last runs, or start a training.",
            "training",
            serving.training_id,
        )
    ]


def _rejecting_import() -> list[Warning]:
    last = (
        ImportRun.objects.filter(state=RunState.DONE)
        .order_by("-finished_at")
        .values("pk", "results")
        .first()
    )
    if last is None:
        return []
    counts = imports.totals(last["results"])
    rejected, lines = counts["bad"], counts["lines"]
    if not rejected or rejected < MANY_REJECTS_SHARE * lines:
        return []
    return [
        Warning(
            f"The last import rejected {rejected:,} of {lines:,} rows",
            "Nothing is lost: the rows are kept with their reasons, to be mended and replayed.",
            "import",
            last["pk"],
        )
    ]
