"""Live refresh: people with new events get a new state and a new slate within moments.

A mark is claimed for two minutes by a short transaction, so one person is never worked on twice at once and
a new event of theirs never waits for the work. The mark goes only if no event came meanwhile. Whoever is
asking for recommendations now comes first. Why items stand in a slate is worked out when nobody waits.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from numpy.typing import NDArray

from interests.learning.checkpoints import DamagedWeights
from interests.learning.trained import ForeignWeights, TrainedNetwork
from interests.models import ChangeMark, TrainingRun
from interests.selectors import events
from interests.selectors.events import DatabaseLog, LoadedCatalogue
from interests.services import tracking, tracking_knowledge, training
from recommender.algorithms.carried import Carried
from recommender.algorithms.saving import CannotLoad
from recommender.models import PublicationRun, Serving, Slate
from recommender.selectors import plans
from recommender.selectors.publications import MAX_FAILURES
from recommender.services import asking_now, locking, published, reasoning, seen_candidates, slating
from recommender.services.packing import ItemArrays
from recommender.services.slating import Ranked

# Longer than any batch takes; the people of a worker that died wait no longer than this.
CLAIM_SECONDS = 120
# Titles and new items may be this old in a live slate; events that name newer items reload at once.
CATALOGUE_SECONDS = 60
# Explained between two looks for marks: so many take about as long as a batch of slates.
EXPLAINED_AT_ONCE = 4
# Of the people whose slates were renewed last, so many are remembered until there is time to explain.
MOST_TO_EXPLAIN = 500

# A claim that ran out means that the worker died: one more failure. `%(is_failing)s` chooses between
# people without trouble, who are worked on together, and the others, who are worked on alone.
CLAIM = """
    WITH free AS (
        SELECT end_user_id, claimed_until IS NOT NULL AS is_lost,
               CASE WHEN failed_generation = generation THEN failures ELSE 0 END AS num_failures
        FROM interests_changemark
        WHERE (claimed_until IS NULL OR claimed_until < %(now)s)
          AND (failed_generation = generation AND failures > 0 OR claimed_until IS NOT NULL)
              = %(is_failing)s
          AND NOT (failed_generation = generation AND failures >= %(max_failures)s)
        ORDER BY (end_user_id = ANY(%(first)s::bigint[])) DESC, marked_at
        LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    )
    UPDATE interests_changemark mark
    SET claimed_until = %(until)s,
        failures = free.num_failures + free.is_lost::int,
        failed_generation = mark.generation
    FROM free WHERE free.end_user_id = mark.end_user_id
    RETURNING mark.end_user_id, mark.generation, mark.failures
"""
DELETE = """
    DELETE FROM interests_changemark mark
    USING unnest(%(keys)s::bigint[], %(generations)s::bigint[]) AS seen(key, generation)
    WHERE mark.end_user_id = seen.key AND mark.generation = seen.generation
"""

log = structlog.get_logger()


class ServingHasChanged(Exception):
    """Another publication serves than when the work began; it has to be done again for that one."""


@dataclass(frozen=True)
class Claim:
    """A person to refresh and the generation of the mark that was claimed."""

    end_user_id: int
    generation: int
    failures: int


@dataclass(frozen=True)
class Served:
    """What serves, with its network in memory; None where its weights cannot be used.

    Attributes:
        by: the algorithm that ranks its slates, where that is not the network
        can_rank: False where that algorithm cannot be read: states are renewed, slates stay as they are
    """

    publication: PublicationRun
    network: TrainedNetwork | None
    by: Carried | None = None
    can_rank: bool = True


class Memory:
    """What a live worker keeps between turns.

    Attributes:
        tracking: what the tracker knows beside people's own events
        to_explain: end users whose new slates nobody has explained, the latest last
    """

    def __init__(self) -> None:
        self._network: tuple[int, TrainedNetwork] | None = None
        self._algorithm: tuple[int, Carried | None] | None = None
        self._loading = threading.Lock()  # a worker that starts loads beside its first message
        self._catalogue: tuple[datetime, LoadedCatalogue, ItemArrays] | None = None
        self.tracking = tracking_knowledge.Memory()
        self.to_explain: dict[int, None] = {}

    def note_renewed(self, keys: Sequence[int]) -> None:
        """Remember whose slates have lost their reasons."""
        for key in keys:
            self.to_explain.pop(key, None)
            self.to_explain[key] = None
        for key in list(self.to_explain)[:-MOST_TO_EXPLAIN]:
            del self.to_explain[key]

    def network(self, run: TrainingRun) -> TrainedNetwork:
        """Return the network of a training, loaded when it is another than last time."""
        with self._loading:
            if self._network is None or self._network[0] != run.pk:
                self._network = None  # never two at once in memory
                self._network = (run.pk, training.load(run))
            return self._network[1]

    def algorithm(self, publication: PublicationRun) -> Carried | None:
        """Return what ranks the slates of a publication, None for its network; loaded once."""
        with self._loading:
            if self._algorithm is None or self._algorithm[0] != publication.pk:
                self._algorithm = None
                self._algorithm = (publication.pk, published.load(publication))
            return self._algorithm[1]

    def catalogue(self, now: datetime) -> LoadedCatalogue:
        """Return the catalogue as it was at most a minute ago."""
        if self._catalogue is None or not (
            timedelta() <= now - self._catalogue[0] < timedelta(seconds=CATALOGUE_SECONDS)
        ):
            self.keep(events.load_catalogue(), now)
        assert self._catalogue is not None
        return self._catalogue[1]

    def keep(self, loaded: LoadedCatalogue, now: datetime) -> ItemArrays:
        """Take a catalogue over, newer or the same, and return its items ready to be written."""
        if self._catalogue is None or self._catalogue[1] is not loaded:
            arrays = slating.arrays_of(loaded)
            self._catalogue = (now, loaded, arrays)
        return self._catalogue[2]


memory = Memory()


def refresh_marked(*, limit: int, now: datetime) -> int:
    """Renew state and slate of up to `limit` marked people: who is asking now first, then the longest marked.

    People on whom work failed before come one at a time, after the others, and are set aside when it
    failed three times for the same events. Return on how many was worked; 0: nobody is left.
    """
    served = _served()
    first = asking_now.asking(now)
    claims = _claim(limit=limit, now=now, is_failing=False, first=first)
    _refresh_or_split(claims, served=served, now=now)
    failing = _claim(limit=1, now=now, is_failing=True)
    for claim in failing:
        if claim.failures >= MAX_FAILURES:
            _note_failure(
                claim, "Its worker died each time. See the worker's log.", is_counted=True
            )
        else:
            _refresh_alone(claim, served=served, now=now)
    return len(claims) + len(failing)


def explain_some(*, now: datetime, is_idle: bool) -> int:
    """Work out why items stand in the slates of a few people; return of how many slates.

    Those who asked why come first. The others have their turn where nobody waits.

    Args:
        is_idle: whether nobody waits.
    """
    served = _served()
    if served is None or served.network is None:
        return 0
    keys = asking_now.wanting_reasons(now)
    if is_idle:
        keys += [key for key in reversed(memory.to_explain) if key not in keys]
    missing = reasoning.unexplained(keys, publication_id=served.publication.pk)
    chosen = missing[:EXPLAINED_AT_ONCE]
    for key in set(keys) - set(missing) | set(chosen):
        memory.to_explain.pop(key, None)
    if not chosen:
        return 0
    try:
        return reasoning.explain(
            chosen,
            publication_id=served.publication.pk,
            network=served.network,
            catalogue=memory.catalogue(now),
        )
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # a slate without reasons is a slate
        log.exception("explaining_failed", end_users=chosen)
        return 0


def _served() -> Served | None:
    serving = Serving.objects.select_related("publication__training_run").first()
    if serving is None:
        return None
    try:
        network = memory.network(serving.publication.training_run)
    except (DamagedWeights, ForeignWeights) as error:
        # States need no network; slates stay as they are until the next publication marks whom they lack.
        log.error("serving_network_not_loaded", error=str(error))
        network = None
    try:
        by = memory.algorithm(serving.publication)
    except CannotLoad as error:
        log.error("serving_algorithm_not_loaded", error=str(error))
        return Served(publication=serving.publication, network=network, can_rank=False)
    return Served(publication=serving.publication, network=network, by=by)


def _claim(
    *, limit: int, now: datetime, is_failing: bool, first: Sequence[int] = ()
) -> list[Claim]:
    values: dict[str, Any] = {
        "now": now,
        "until": now + timedelta(seconds=CLAIM_SECONDS),
        "limit": limit,
        "is_failing": is_failing,
        "max_failures": MAX_FAILURES,
        "first": list(first),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, values)
        return [Claim(*row) for row in cursor.fetchall()]


def _refresh_or_split(claims: Sequence[Claim], *, served: Served | None, now: datetime) -> None:
    """Refresh people together; where that fails, one by one, so that only the cause is held up."""
    if not claims:
        return
    try:
        _refresh(claims, served=served, now=now)
    except (OperationalError, InterfaceError):
        raise  # the database is away: nobody's fault, the claims run out
    except Exception as error:  # noqa: BLE001  # each gets its own try, and its own word
        log.warning("refresh_of_batch_failed", num_end_users=len(claims), error=str(error))
        for claim in claims:
            _refresh_alone(claim, served=served, now=now)


def _refresh_alone(claim: Claim, *, served: Served | None, now: datetime) -> None:
    try:
        _refresh([claim], served=served, now=now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # whatever it is, the others go on
        log.exception("refresh_failed", end_user=claim.end_user_id, failures=claim.failures + 1)
        _note_failure(claim, f"{type(error).__name__}: {error}"[:2000])


def _refresh(claims: Sequence[Claim], *, served: Served | None, now: datetime) -> None:
    keys = [claim.end_user_id for claim in claims]
    network = served.network if served else None
    # Read once for state and slate: both have seen the same events.
    known = events.interaction_log(
        end_users=keys,
        catalogue=memory.catalogue(now),
        ties=tracking.TIES,
        # The network reads none, so that what is done most often asks for nothing more.
        with_attributes=served is not None and served.by is not None,
    )
    memory.keep(known.loaded, now)
    tracking.renew_states(
        end_user_ids=keys,
        now=now,
        network=network,
        training_run=served.publication.training_run if served and network else None,
        known=known,
        memory=memory.tracking,
    )
    fresh = None
    if served is not None and network is not None and served.can_rank:
        fresh = _ranked(known, served.publication, network=network, by=served.by)
    try:
        with transaction.atomic():
            locking.take(locking.Lock.SWITCH, is_shared=True)
            _check_still_serves(served)
            if fresh is not None:
                _write(keys, fresh, now=now)
            _let_go(claims)
    except ServingHasChanged:
        _release(keys)
    else:
        memory.note_renewed(keys if fresh is not None else [])


def _check_still_serves(served: Served | None) -> None:
    publication = Serving.objects.values_list("publication_id", flat=True).first()
    if publication != (served.publication.pk if served else None):
        raise ServingHasChanged


@dataclass(frozen=True)
class _Fresh:
    """What the network ranks for people who have just done something.

    Attributes:
        hidden: which items of the log's catalogue nobody gets, bool. [N]
    """

    publication: PublicationRun
    network: TrainedNetwork
    known: DatabaseLog
    hidden: NDArray[np.bool_]
    ranked: list[Ranked]
    by: Carried | None


def _ranked(
    known: DatabaseLog,
    publication: PublicationRun,
    *,
    network: TrainedNetwork,
    by: Carried | None,
) -> _Fresh:
    hidden = slating.is_hidden(known.loaded)
    ranked = list(slating.rank(network=network, log=known, hidden=hidden, by=by))
    return _Fresh(publication, network, known, hidden, ranked, by)


def _write(keys: Sequence[int], fresh: _Fresh, *, now: datetime) -> None:
    known, publication_id = fresh.known, fresh.publication.pk
    arrays = memory.keep(known.loaded, now)
    shows_seen = plans.are_used_items_shown()
    for ranked in fresh.ranked:
        slating.renew(
            publication_id=publication_id, log=known, ranked=ranked, arrays=arrays, now=now
        )
        if shows_seen:
            seen_candidates.write(
                publication_id=publication_id,
                network=fresh.network,
                log=known,
                users=ranked.users,
                arrays=arrays,
                hidden=fresh.hidden,
                now=now,
                by=fresh.by,
            )
    without_events = set(keys) - set(known.user_keys.tolist())
    if without_events:
        Slate.objects.filter(publication=publication_id, end_user__in=without_events).delete()


def _let_go(claims: Sequence[Claim]) -> None:
    """Delete the marks that are as they were; those of newer events are free again."""
    keys = [claim.end_user_id for claim in claims]
    generations = [claim.generation for claim in claims]
    with connection.cursor() as cursor:
        cursor.execute(DELETE, {"keys": keys, "generations": generations})
    _release(keys)


def _release(keys: Sequence[int]) -> None:
    ChangeMark.objects.filter(end_user__in=keys).update(claimed_until=None)


def _note_failure(claim: Claim, error: str, *, is_counted: bool = False) -> None:
    """Free a mark and count the failure, unless newer events came meanwhile: those get fresh attempts."""
    failures = claim.failures if is_counted else claim.failures + 1
    mark = ChangeMark.objects.filter(end_user=claim.end_user_id)
    try:
        mark.filter(generation=claim.generation).update(
            failures=failures, failed_generation=claim.generation, error=error
        )
        mark.update(claimed_until=None)
    except DatabaseError as lost:
        log.warning("failure_not_noted", end_user=claim.end_user_id, error=str(lost))
    if failures >= MAX_FAILURES:
        log.error("mark_set_aside", end_user=claim.end_user_id, error=error)
