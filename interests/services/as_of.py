"""What somebody wanted at a time, worked out from the events up to then and from nothing later.

What other people teach comes from the newest tracking run that was done by then. Where there was none
yet, as with years of history imported today, it comes from the newest there is, and the answer says so.
Items are taken to be what the catalogue says today: it keeps no past. Categories that are newer than the run
count only where the person's own events up to the time speak of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from django.db.models import Max
from numpy.typing import NDArray

from interests.drift import detectors, replaying
from interests.drift.scores import drift_scores, new_to
from interests.models import Interaction, RunState, TrackingRun, TrainingRun
from interests.selectors import drift_counts, events
from interests.selectors.events import DatabaseLog, LoadedCatalogue
from interests.services import detecting, detector_rows, state_rows, tracking, tracking_knowledge
from interests.services.detector_rows import Change, Person, Watch
from interests.services.state_rows import Knowledge
from interests.tracking import timeline
from interests.tracking.mixture import Mixture

if TYPE_CHECKING:  # without a network there is no need for torch
    from interests.learning.trained import TrainedNetwork


@dataclass(frozen=True)
class AsOf:
    """The interests of one end user at a time; without events by then there are no weights.

    Attributes:
        weights, long_term, short_term: by category key, 0 for "uncategorised"; each sums to 1
        drift_score: None: too few events to say
        rising, falling, new: category keys, the surest first, as in the states
        last_event_at: of the newest event up to then
        events_through: arrival of the newest event that it has seen
        drift_events: what the detector had raised by then, oldest first
        knowledge_is_newer: what other people teach was learned after the time
        tracking_run_id: the run that learned it; None: no run is done
        training_run_id: the training of the network that had its say; None: none had
    """

    end_user_id: int
    at: datetime
    weights: dict[int, float]
    long_term: dict[int, float]
    short_term: dict[int, float]
    drift_score: float | None
    rising: tuple[int, ...]
    falling: tuple[int, ...]
    new: tuple[int, ...]
    num_events: int
    active_days: int
    last_event_at: datetime | None
    events_through: datetime | None
    drift_events: tuple[Change, ...]
    knowledge_is_newer: bool
    tracking_run_id: int | None
    training_run_id: int | None


def state_as_of(
    *,
    end_user_id: int,
    at: datetime,
    as_known_then: bool = False,
    network_of: Callable[[TrainingRun], TrainedNetwork] | None = None,
    catalogue: LoadedCatalogue | None = None,
) -> AsOf:
    """Return what an end user wanted at a time.

    Args:
        as_known_then: leave out events that happened by then but arrived later.
        network_of: loads the network of a training, such as `tracking_knowledge.network_of`; it is asked only
            for one that was trained on nothing later than the time. None: no network has a say.
        catalogue: loaded before, to spare reading it.
    """
    run, is_newer = _run_for(at)
    whole = events.interaction_log(
        end_users=[end_user_id],
        arrived_until=at if as_known_then else None,
        catalogue=catalogue,
        ties=tracking.TIES,
    )
    known = _until(whole, at)
    known = known.of_categories(_categories(run, known))
    asked = _Asked(end_user_id, at, run, is_newer)
    if not known.log.num_events:
        return _nothing(asked)
    training_run = _training_for(asked) if network_of is not None else None
    shares = None
    if network_of is not None and training_run is not None:
        network = network_of(training_run)
        shares = tracking_knowledge.network_shares(network, known, training_run=training_run)
    history = tracking_knowledge.histories_of(
        known, users=[0], shares=shares, training_run=training_run
    )[0]
    knowledge = tracking_knowledge.remember(run, category_keys=known.category_keys)
    keys = known.log.positions
    person = Person(end_user_id, history, keys, replaying.fingerprints(keys), _through(known))
    found = _state(asked, person, knowledge=knowledge)
    trusted = None if as_known_then else _stored_changes(asked, whole, known)
    return replace(
        found,
        drift_events=_detected(asked, person, knowledge) if trusted is None else trusted,
        training_run_id=training_run.pk if training_run else None,
    )


@dataclass(frozen=True)
class _Asked:
    """Who and when, and whose knowledge answers."""

    end_user_id: int
    at: datetime
    run: TrackingRun | None
    is_newer: bool


def _run_for(at: datetime) -> tuple[TrackingRun | None, bool]:
    """Return the newest run that was done by a time, else the newest, and whether it is newer than that."""
    done = TrackingRun.objects.filter(state=RunState.DONE).select_related("training_run")
    newest_first = done.order_by("-finished_at", "-pk")
    run = newest_first.filter(finished_at__lte=at).first()
    if run is not None:
        return run, False
    run = newest_first.first()
    return run, run is not None


def _training_for(asked: _Asked) -> TrainingRun | None:
    """Return the training whose network may have a say: the run's, if it had seen nothing later."""
    if asked.run is None or asked.is_newer or asked.run.training_run is None:
        return None
    training_run = asked.run.training_run
    until = training_run.window_to or training_run.requested_at
    return training_run if until <= asked.at else None


def _until(known: DatabaseLog, at: datetime) -> DatabaseLog:
    """Return the log of one person without what happened after a time."""
    limit = int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
    return replace(known, log=known.log.take(known.log.times <= limit))


def _categories(run: TrackingRun | None, known: DatabaseLog) -> list[int]:
    """Return the categories that count: those of the run and those of the person's events."""
    own = known.log.catalogue.shares[known.log.items].sum(0) > 0
    of_run = run.results.get("category_ids", []) if run is not None else []
    return [*of_run, *known.category_keys[own].tolist()]


def _through(known: DatabaseLog) -> datetime:
    keys = known.log.positions.tolist()
    arrived = Interaction.objects.filter(pk__in=keys).aggregate(last=Max("received_at"))
    newest: datetime = arrived["last"]
    return newest


def _nothing(asked: _Asked) -> AsOf:
    """Return what is known of somebody without events by the time."""
    return AsOf(
        end_user_id=asked.end_user_id,
        at=asked.at,
        weights={},
        long_term={},
        short_term={},
        drift_score=None,
        rising=(),
        falling=(),
        new=(),
        num_events=0,
        active_days=0,
        last_event_at=None,
        events_through=None,
        drift_events=(),
        knowledge_is_newer=asked.is_newer,
        tracking_run_id=asked.run.pk if asked.run else None,
        training_run_id=None,
    )


def _state(asked: _Asked, person: Person, *, knowledge: Knowledge) -> AsOf:
    history, after = person.history, np.array([len(person.history)])
    track = next(iter(Mixture(knowledge.population).track_all([history])))[1]
    drift = drift_scores(
        history,
        after=after,
        population=knowledge.population.shares,
        session_correlation=knowledge.session_correlation,
    )
    keys = knowledge.category_keys
    score = float(drift.scores[0])

    def by_key(weights: NDArray[np.float64]) -> dict[int, float]:
        return dict(zip(keys.tolist(), weights[-1].tolist(), strict=True))

    def named(columns: Sequence[int]) -> tuple[int, ...]:
        return tuple(keys[list(columns)].tolist())

    return replace(
        _nothing(asked),
        weights=by_key(track.weights),
        long_term=by_key(track.long_term),
        short_term=by_key(track.short_term),
        drift_score=None if np.isnan(score) else score,
        rising=named(drift.rising(0)),
        falling=named(drift.falling(0)),
        new=named(new_to(history, drift, after=after)[0]),
        num_events=len(history),
        active_days=int(timeline.active_days(history, after=after)[0]),
        last_event_at=state_rows.moment(history.times[-1]),
        events_through=person.events_through,
    )


def _stored_changes(
    asked: _Asked, whole: DatabaseLog, known: DatabaseLog
) -> tuple[Change, ...] | None:
    """Return what is stored of the detector's word by then; None where that may not be taken for it.

    A drift event tells of nothing after it. So those stored are what a replay would raise, as long as the
    detector has seen just the person's events, at least up to the time, with the same knowledge.
    """
    if asked.run is not None and asked.run != drift_counts.newest_run():
        return None
    seen = detecting.events_seen(
        end_user_id=asked.end_user_id,
        keys=whole.log.positions,
        tracking_run=asked.run.pk if asked.run else None,
        category_keys=known.category_keys,
    )
    if seen < known.log.num_events:
        return None
    rows = drift_counts.that_count(asked.run).filter(
        end_user=asked.end_user_id, num_events__lte=known.log.num_events
    )
    return tuple(detector_rows.change_of_row(row) for row in rows.order_by("num_events", "pk"))


def _detected(asked: _Asked, person: Person, knowledge: Knowledge) -> tuple[Change, ...]:
    """Return what the detector raises on the way through the events."""
    watch = Watch(
        population=knowledge.population.shares,
        category_keys=knowledge.category_keys,
        settings=detecting.settings_in_force(at=None if asked.is_newer else asked.at),
        tracking_run=asked.run.pk if asked.run else None,
    )
    alarms = detectors.detect(
        [person.history], population=watch.population, settings=watch.settings
    )[0]
    return tuple(detector_rows.change_of(alarm, person=person, watch=watch) for alarm in alarms)
