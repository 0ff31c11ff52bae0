"""Publications: one ranked list for everybody, checked as a whole, then served from one moment on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import structlog
from django.db import connection, transaction
from django.utils import timezone

from interests.learning import scoring
from interests.learning.checkpoints import DamagedWeights
from interests.learning.trained import ForeignWeights, TrainedNetwork
from interests.models import RunState
from interests.selectors import events
from interests.selectors.events import DatabaseLog
from interests.services import running, training
from interests.services.running import CannotRun, Hold
from recommender.models import PublicationRun, Serving
from recommender.selectors.publications import difference
from recommender.services import comparing, locking, slating, switching
from recommender.services.slating import ItemArrays, Ranked
from recommender.services.switching import CannotSwitch, roll_back, switch_to

__all__ = ["CannotSwitch", "difference", "publish", "roll_back", "switch_to"]

NUM_SIMILAR = 50
# More neighbours than are kept are asked for, because hidden items are taken out.
NUM_NEIGHBOURS = 80
# Slates looked at for seen items; were one in a hundred wrong, this many would find it with 95 %.
NUM_SAMPLED = 300
ITEMS_A_BATCH = 2_000
SIMILAR_COLUMNS = ("publication_id", "item_id", "items", "item_ids", "scores")

WITHOUT_SLATE = """
    SELECT count(*) FROM interests_enduser person
    WHERE person.id = ANY(%(keys)s) AND NOT EXISTS (
        SELECT FROM recommender_slate slate
        WHERE slate.end_user_id = person.id AND slate.publication_id = %(publication)s
    )
"""
# Only events that were there when the slates were made: an import that ends meanwhile shows events that
# arrived before those.
SEEN = """
    SELECT count(*) FROM (
        SELECT end_user_id, items FROM recommender_slate
        WHERE publication_id = %(publication)s AND end_user_id = ANY(%(keys)s)
    ) slate
    JOIN interests_interaction event ON event.end_user_id = slate.end_user_id
     AND event.item_id = ANY(slate.items) AND event.id = ANY(%(events)s)
"""
EMPTY = """
    SELECT NOT EXISTS (
        SELECT FROM recommender_slate WHERE publication_id = %(publication)s AND items <> '{}'
    )
"""

Report = Callable[[str, float], None]
log = structlog.get_logger()


@dataclass(frozen=True)
class Work:
    """What a publication is made of."""

    hold: Hold
    tell: Report
    network: TrainedNetwork
    events: DatabaseLog
    arrays: ItemArrays
    now: datetime

    @property
    def publication_id(self) -> int:
        return int(self.hold.run.pk)


def publish(*, run_id: int, report: Report | None = None) -> None:
    """Make the slates of a publication run, and let them serve unless its settings say `"switch": false`.

    What a half run left goes first. The run is done, and serves, in the same moment, or not at all.
    `report` is told what is being done and how much of all, 0 to 1, as the run's row is.

    Raises:
        RunNotClaimed: another worker is at it, or it has ended.
        CannotRun: the training is not done, its weights are damaged, or a check failed.
    """
    with running.held(PublicationRun, run_id=run_id) as hold:
        began = time.monotonic()
        work = _prepare(hold, _telling(hold, report))
        _write_slates(work)
        _write_similar_items(work)
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


def _remove_half_run(hold: Hold) -> None:
    for table in ("recommender_slate", "recommender_similaritems"):
        with transaction.atomic(), connection.cursor() as cursor:
            _keep_held(hold)
            cursor.execute(f"DELETE FROM {table} WHERE publication_id = %s", [hold.run.pk])


def _keep_held(hold: Hold) -> None:
    """Lock the run's row to the transaction's end, so that no other holder writes meanwhile."""
    if hold.mine().select_for_update().first() is None:
        raise running.RunOvertaken(f"{hold.run} was taken over by another worker.")


def _prepare(hold: Hold, tell: Report) -> Work:
    tell("removing what a half run left", 0.0)
    _remove_half_run(hold)
    run = hold.run
    assert isinstance(run, PublicationRun)
    if run.training_run.state != RunState.DONE:
        raise CannotRun(
            f"{run.training_run} is {run.training_run.state}; only one that is done can be published."
        )
    tell("reading the network", 0.01)
    try:
        network = training.load(run.training_run)
    except (DamagedWeights, ForeignWeights) as error:
        raise CannotRun(str(error)) from error
    tell("reading events", 0.02)
    known = events.interaction_log()
    if not known.log.num_users:
        raise CannotRun("Nobody has events, so there is nobody to publish for. Import data first.")
    arrays = ItemArrays(keys=known.item_keys, ids=known.log.catalogue.item_ids)
    return Work(
        hold=hold, tell=tell, network=network, events=known, arrays=arrays, now=timezone.now()
    )


def _write_slates(work: Work) -> None:
    num_users = work.events.log.num_users
    num_written = 0
    for ranked in _gathered(slating.rank(network=work.network, log=work.events)):
        with transaction.atomic():
            _keep_held(work.hold)
            slating.insert(
                publication_id=work.publication_id,
                log=work.events,
                ranked=ranked,
                arrays=work.arrays,
                now=work.now,
            )
        num_written += len(ranked.users)
        work.tell(
            f"slates: {num_written:,} of {num_users:,} end users",
            0.05 + 0.85 * num_written / num_users,
        )


def _gathered(batches: Iterable[Ranked], *, num_users: int = 500) -> Iterator[Ranked]:
    """Join small batches, so that none of them costs a transaction of its own."""
    waiting: list[Ranked] = []
    for batch in batches:
        waiting.append(batch)
        if sum(len(one.users) for one in waiting) >= num_users:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _joined(batches: list[Ranked]) -> Ranked:
    return Ranked(
        users=np.concatenate([batch.users for batch in batches]),
        items=np.concatenate([batch.items for batch in batches]),
        scores=np.concatenate([batch.scores for batch in batches]),
    )


def _write_similar_items(work: Work) -> None:
    """Write for each item that the network knows the items nearest to it by cosine."""
    work.tell("similar items", 0.92)
    rows = list(_similar_rows(work))
    for begin in range(0, len(rows), ITEMS_A_BATCH):
        with transaction.atomic():
            _keep_held(work.hold)
            slating.copy_rows(
                table="recommender_similaritems",
                columns=SIMILAR_COLUMNS,
                rows=rows[begin : begin + ITEMS_A_BATCH],
            )


def _similar_rows(work: Work) -> Iterator[tuple[object, ...]]:
    log = work.events.log
    places = work.network.item_index(log.catalogue)
    is_hidden = slating.is_hidden(work.events)
    # From a place in the network to a place in the catalogue; -1: no longer in the catalogue, or hidden.
    shown = np.full(work.network.num_items, -1)
    shown[places[(places >= 0) & ~is_hidden]] = np.flatnonzero((places >= 0) & ~is_hidden)
    k = min(NUM_NEIGHBOURS, work.network.num_items - 1)
    if k < 1:
        return
    neighbours, cosines = scoring.similar_items(work.network, k)
    for item in np.flatnonzero(places >= 0).tolist():
        near = shown[neighbours[places[item]]]
        is_kept = np.flatnonzero(near >= 0)[:NUM_SIMILAR]
        texts = work.arrays.literals(near[is_kept], cosines[places[item]][is_kept])
        yield work.publication_id, int(work.events.item_keys[item]), *texts


def _finish(work: Work, *, seconds: float) -> None:
    """Check the slates, end the run and switch to it, all in one transaction."""
    work.tell("comparing with what serves", 0.96)
    run = work.hold.run
    assert isinstance(run, PublicationRun)
    compared = comparing.with_serving(run)
    work.tell("checking", 0.98)
    with transaction.atomic():
        locking.take(locking.Lock.SWITCH)
        _check(work)
        newer = _newer_that_serves(run)
        is_wanted = bool(run.settings.get("switch", True))
        results = (
            _results(work, seconds=seconds)
            | compared
            | {
                "switched": is_wanted and newer is None,
                "not_switched_because": _why_not(is_wanted, newer),
            }
        )
        work.hold.end(RunState.DONE, results=results)
        if results["switched"]:
            switching.flip(
                publication=run, by="publication", reason="newly published", now=timezone.now()
            )


def _check(work: Work) -> None:
    """Refuse slates that miss somebody, hold what somebody has seen, or hold nothing.

    Raises:
        CannotRun: saying which.
    """
    keys, log = work.events.user_keys, work.events.log
    users = np.random.default_rng(work.publication_id).permutation(len(keys))[:NUM_SAMPLED]
    sample, known = keys[users], log.positions[np.isin(log.users, users)]
    values = {"publication": work.publication_id}
    if _number(EMPTY, values):
        raise CannotRun(
            "No slate holds any item: everybody has seen all that the network knows, or all is hidden."
        )
    if missing := _number(WITHOUT_SLATE, values | {"keys": keys.tolist()}):
        raise CannotRun(f"{missing:,} end users with events got no slate. Publish again.")
    if seen := _number(SEEN, values | {"keys": sample.tolist(), "events": known.tolist()}):
        raise CannotRun(
            f"{seen:,} items in the {len(sample):,} slates looked at were seen before. Publish again, "
            "and report this as an error of Recsite if it stays."
        )


def _number(query: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


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
    num_users = work.events.log.num_users
    return {
        "num_end_users": num_users,
        "num_items": int((work.network.item_index(work.events.log.catalogue) >= 0).sum()),
        "slate_length": slating.SLATE_LENGTH,
        "seconds": round(seconds, 2),
        "end_users_per_second": round(num_users / seconds, 1),
        "events_through": f"{work.events.events_through.max()}+00:00",
    }
