"""Publications: one ranked list for everybody, checked as a whole, then served from one moment on."""

from __future__ import annotations

import time
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils import timezone

from interests.learning.checkpoints import DamagedWeights
from interests.learning.trained import ForeignWeights
from interests.models import RunState
from interests.selectors import events
from interests.services import running, training
from interests.services.running import CannotRun, Hold
from recommender.models import PublicationRun, Serving
from recommender.selectors import gating
from recommender.selectors.publications import difference
from recommender.services import (
    comparing,
    filling,
    locking,
    mapping,
    neighbouring,
    promoting,
    published,
    slating,
    switching,
)
from recommender.services.filling import Filled, Report, Shelf, Work
from recommender.services.switching import CannotSwitch, roll_back, switch_to

__all__ = ["CannotSwitch", "difference", "publish", "roll_back", "switch_to"]

# With the results of a run that is under way: the network that its slates are made by.
NETWORK = "weights_sha256"

EMPTY = """
    SELECT (NOT EXISTS (
        SELECT FROM recommender_slate WHERE publication_id = %(publication)s AND items <> '{}'
    ))::int
"""

log = structlog.get_logger()


def publish(*, run_id: int, report: Report | None = None) -> None:
    """Make the slates of a publication run, and let them serve if the gate is open.

    They do not where the run's settings say `"switch": false` or somebody holds it. A closed gate holds it,
    with the reason.

    What a killed attempt at the same run finished is kept if it is of the same network, else removed. The
    run is done, and serves, in the same moment, or not at all.
    `report` is told what is being done and how much of all, 0 to 1, as the run's row is.

    Raises:
        RunNotClaimed: another worker is at it, or it has ended.
        CannotRun: the training is not done, its weights are damaged, or a check failed.
    """
    with running.held(PublicationRun, run_id=run_id) as hold:
        began = time.monotonic()
        work = _prepare(hold, _telling(hold, report))
        filling.fill(work)
        work.tell("similar items", 0.92)
        neighbouring.write_similar_items(work)
        work.tell("map of interests", 0.95)
        mapping.write_map(work)
        _finish(work, seconds=time.monotonic() - began)
    cleared = switching.clear_away(now=timezone.now())
    log.info("publication_done", run_id=run_id, results=hold.run.results, cleared=cleared)


def _telling(hold: Hold, report: Report | None) -> Report:
    """Return what tells both the run's row and whoever else wants to know."""

    def tell(step: str, share_done: float) -> None:
        hold.report(step, share_done)
        if report is not None:
            report(step, share_done)

    return tell


def _prepare(hold: Hold, tell: Report) -> Work:
    run = hold.run
    assert isinstance(run, PublicationRun)
    if run.training_run.state != RunState.DONE:
        raise CannotRun(
            f"{run.training_run} is {run.training_run.state}; only one that is done can be published."
        )
    tell("reading the network", 0.0)
    try:
        network = training.load(run.training_run)
    except (DamagedWeights, ForeignWeights) as error:
        raise CannotRun(str(error)) from error
    by = published.ready(run, now=timezone.now(), tell=tell)
    tell("removing what a half run left", 0.05)
    filled = _take_up(hold, sha256=run.training_run.weights_sha256)
    tell("reading the catalogue", 0.05)
    shelf = Shelf.of(events.load_catalogue())
    try:
        network = network.grown(shelf.loaded.catalogue)
    except ForeignWeights as error:
        raise CannotRun(str(error)) from error
    return Work(
        hold=hold,
        tell=tell,
        network=network,
        shelf=shelf,
        now=timezone.now(),
        by=by,
        filled=filled,
    )


@transaction.atomic
def _take_up(hold: Hold, *, sha256: str) -> Filled:
    """Return how far a killed attempt came with this network and algorithm; remove what it left if by others."""
    filling.keep_held(hold)
    run = hold.run
    before = hold.mine().values_list("results", flat=True).get()
    made_by = {NETWORK: sha256}
    if published.SHA256 in run.results:
        made_by[published.SHA256] = run.results[published.SHA256]
    is_same = {name: before.get(name) for name in made_by} == made_by
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM recommender_similaritems WHERE publication_id = %s", [run.pk])
        if not is_same:
            cursor.execute("DELETE FROM recommender_slate WHERE publication_id = %s", [run.pk])
    assert isinstance(run, PublicationRun)
    hold.mine().update(results=made_by | published.kept(run))
    return filling.standing(run.pk) if is_same else Filled()


def _finish(work: Work, *, seconds: float) -> None:
    """Check the slates, end the run and switch to it, all in one transaction."""
    work.tell("comparing with what serves", 0.96)
    run = work.hold.run
    assert isinstance(run, PublicationRun)
    compared = comparing.with_serving(run)
    work.tell("checking", 0.98)
    gate = gating.judge(run)
    with transaction.atomic():
        locking.take(locking.Lock.SWITCH)
        run.refresh_from_db(fields=["held_at", "held_by", "held_because"])
        if gate.against != _other_that_serves(run):
            gate = gating.judge(run)  # something else took over meanwhile
        if filling.number(EMPTY, {"publication": run.pk}):
            raise CannotRun(
                "No slate holds any item: everybody has seen all that the network knows, or all is"
                " hidden."
            )
        newer = _newer_that_serves(run)
        is_wanted = bool(run.settings.get("switch", True))
        why_not = _why_not(is_wanted, newer)
        if not why_not and run.held_at is None and not gate.is_open:
            promoting.keep_back(run, by="", reason=promoting.why_held(gate), now=timezone.now())
        if run.held_at is not None:
            why_not = f"It is held. {run.held_because}"
        results = (
            _results(work, seconds=seconds)
            | compared
            | {
                "gate": gate.to_results(),
                "switched": not why_not,
                "not_switched_because": why_not,
            }
        )
        work.hold.end(RunState.DONE, results=results)
        if results["switched"]:
            switching.flip(
                publication=run, by="publication", reason="newly published", now=timezone.now()
            )


def _other_that_serves(run: PublicationRun) -> int | None:
    serving = Serving.objects.exclude(publication=run)
    return serving.values_list("publication_id", flat=True).first()


def _newer_that_serves(run: PublicationRun) -> PublicationRun | None:
    """Return what serves if it was requested after this run: of two at once the later one stays."""
    serving = Serving.objects.select_related("publication").first()
    if serving is None or serving.publication_id <= run.pk or serving.since < run.requested_at:
        return None
    return serving.publication


def _why_not(is_wanted: bool, newer: PublicationRun | None) -> str:
    if not is_wanted:
        return "It was asked not to."
    return f"{newer} was requested later and serves already." if newer else ""


def _results(work: Work, *, seconds: float) -> dict[str, Any]:
    filled = work.filled
    assert filled.events_through is not None, "some slates are there"
    num_items = int((work.network.item_index(work.shelf.loaded.catalogue) >= 0).sum())
    run = work.hold.run
    assert isinstance(run, PublicationRun)
    made_by = published.kept(run) if work.by else {}
    return made_by | {
        "num_end_users": filled.num_slates,
        "num_items": num_items,
        "slate_length": slating.SLATE_LENGTH,
        "shows_seen": work.shows_seen,
        "seconds": round(seconds, 2),
        "end_users_per_second": round((filled.num_slates - work.num_taken_up) / seconds, 1),
        "events_through": filled.events_through.isoformat(timespec="microseconds"),
    }
