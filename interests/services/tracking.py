"""Interest states: of everybody, as a run; of the few who just did something, live.

Only this module writes states and what `EndUser` copies of the newest one; with each of them
`services.detecting` advances the person's detector.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.utils import timezone

from interests.models import EndUser, InterestState, RunState, TrackingRun, TrainingRun
from interests.selectors import events, histories
from interests.selectors.events import DatabaseLog, LoadedCatalogue
from interests.services import detecting, running, state_rows, tracking_knowledge
from interests.services.detector_rows import Person, Watch
from interests.services.running import Hold, RunOvertaken
from interests.services.state_rows import Knowledge, States
from interests.tracking import mixture, timeline
from interests.tracking.histories import History
from interests.tracking.mixture import Mixture
from interests.tracking.protocol import Track

if TYPE_CHECKING:  # without a network there is no need for torch
    from interests.learning.trained import TrainedNetwork

# So many end users' histories are held and written at a time: some 20,000 rows.
END_USERS_PER_BLOCK = 500
# Of one person's events at one time: an order that a new item somewhere does not change.
TIES = "lasting"

# In order of key, so that a run and live workers never wait for each other in a circle.
LOCK_END_USERS = "SELECT id FROM interests_enduser WHERE {} ORDER BY id FOR NO KEY UPDATE"
# A state that has seen newer events stays: nobody goes back to what was known before. Whose newest time is
# doubtful was last seen at the newest that is not: an event from 9999 leads no list for ever.
COPY_NEWEST = """
    UPDATE interests_enduser AS person
    SET current_state_id = newest.id, num_events = newest.num_events,
        drift_score = newest.drift_score, last_event_at = CASE
            WHEN newest.at BETWEEN '1990-01-01Z' AND now() + interval '1 day' THEN newest.at
            ELSE coalesce((
                SELECT max(event.occurred_at) FROM interests_used_interaction AS event
                WHERE event.end_user_id = person.id AND NOT event.is_time_doubtful
            ), newest.at) END
    FROM (
        SELECT DISTINCT ON (end_user_id) id, end_user_id, num_events, at, drift_score, events_through
        FROM interests_intereststate WHERE {} ORDER BY end_user_id, id DESC
    ) AS newest
    WHERE person.id = newest.end_user_id AND NOT EXISTS (
        SELECT FROM interests_intereststate AS current
        WHERE current.id = person.current_state_id
        AND (current.events_through, current.num_events)
            > (newest.events_through, newest.num_events)
    )
"""

log = structlog.get_logger()


@dataclass(frozen=True)
class _Written:
    """How many rows a run has written."""

    num_states: int = 0
    num_drift_events: int = 0

    def __add__(self, more: _Written) -> _Written:
        return _Written(
            self.num_states + more.num_states, self.num_drift_events + more.num_drift_events
        )


def latest_done() -> TrackingRun | None:
    """Return the newest finished tracking, None before the first."""
    runs = TrackingRun.objects.filter(state=RunState.DONE).select_related("training_run")
    return runs.order_by("-finished_at", "-pk").first()


def request_anew(
    *, now: datetime, requested_by: AbstractBaseUser | None = None
) -> TrackingRun | None:
    """Make a waiting run that tracks everybody again, with the network of the newest; the caller enqueues it.

    Its states and drift events are a new version beside the old ones. One that waits already will do; before
    the first run there is nothing to do again, and None is returned.
    """
    last = latest_done()
    if last is None:
        return None
    waiting = TrackingRun.objects.filter(state=RunState.WAITING).order_by("-pk").first()
    return waiting or running.request(
        TrackingRun,
        now=now,
        requested_by=requested_by,
        training_run=last.training_run,
        tracker_version=mixture.VERSION,
    )


def track_everybody(*, run_id: int) -> None:
    """Do the whole of one tracking run: states of each end user for each week with events, and now.

    Raises:
        RunNotClaimed: somebody else is at it, or it has ended.
        RunStopped: somebody asked for it.
        RunOvertaken: another worker has taken it over.
        CannotRun: the network's weights are missing or not what its training wrote.
    """
    with running.held(TrackingRun, run_id=run_id) as hold:
        run: TrackingRun = hold.run  # type: ignore[assignment]  # held as one
        hold.report("Removing what an earlier attempt left", 0.0)
        InterestState.objects.filter(tracking_run=run).delete()
        detecting.remove_of(run)
        hold.report("Reading the events", 0.01)
        known = events.interaction_log(ties=TIES)
        hold.report("Learning what people have in common", 0.05)
        knowledge = tracking_knowledge.learn(known, tracking_run=run_id)
        results = tracking_knowledge.to_results(knowledge)
        results |= {"detector_threshold": detecting.settings_in_force().threshold}
        written = _write_everybody(hold, run, known=known, knowledge=knowledge)
        results |= {
            "num_states": written.num_states,
            "num_drift_events": written.num_drift_events,
            "num_end_users": len(known.user_keys),
        }
        with transaction.atomic():
            hold.end(RunState.DONE, results=results)
            _lock("true", [])
            _copy_newest("tracking_run_id = %s", [run_id])
            detecting.copy_newest(run_id=run_id)
        detecting.forget_snapshots_before(run_id)
    log.info("tracking_done", run_id=run_id, **asdict(written))


def renew_states(
    *,
    end_user_ids: Collection[int],
    now: datetime,
    network: TrainedNetwork | None = None,
    training_run: TrainingRun | None = None,
    catalogue: LoadedCatalogue | None = None,
) -> int:
    """Append a live state for each of some end users who have events that their state has not seen.

    Args:
        end_user_ids: primary keys.
        now: when the states are made.
        network: an expert of the mixture for events after its training.
        training_run: that network's training; None: the one of the latest tracking run.
        catalogue: loaded before, to spare reading it.

    Returns:
        how many states were appended.
    """
    known = events.interaction_log(end_users=end_user_ids, catalogue=catalogue, ties=TIES)
    people = _people_with_news(known)
    tracking_run = latest_done()
    knowledge = tracking_knowledge.remember(tracking_run, category_keys=known.category_keys)
    if training_run is None and tracking_run is not None:
        training_run = tracking_run.training_run
    shares = None
    if network is not None and training_run is not None and people:
        shares = tracking_knowledge.network_shares(network, known, training_run=training_run)
        knowledge = tracking_knowledge.with_network(
            knowledge, network=network, known=known, training_run=training_run.pk
        )
    histories = tracking_knowledge.histories_of(
        known, users=people, shares=shares, training_run=training_run
    )
    tracks = Mixture(knowledge.population).track_all(histories)
    found = [(people[place], histories[place], track) for place, track in tracks]
    watch = _watch(knowledge, tracking_run=tracking_run.pk if tracking_run else None)
    with transaction.atomic():
        _lock("id = ANY(%s)", [list(end_user_ids)])
        _clear_without_events(set(end_user_ids) - set(known.user_keys.tolist()), now=now)
        return _append(known, found, knowledge=knowledge, watch=watch, now=now)


def _write_everybody(
    hold: Hold, run: TrackingRun, *, known: DatabaseLog, knowledge: Knowledge
) -> _Written:
    watch = _watch(knowledge, tracking_run=run.pk)
    network = None
    if run.training_run is not None:
        hold.report("Reading the network", 0.1)
        network = tracking_knowledge.network_of(run.training_run)
        knowledge = tracking_knowledge.with_network(
            knowledge, network=network, known=known, training_run=run.training_run.pk
        )
    num_users, written = known.log.num_users, _Written()
    for begin in range(0, num_users, END_USERS_PER_BLOCK):
        users = range(begin, min(begin + END_USERS_PER_BLOCK, num_users))
        step = f"Tracking end users: {begin:,} of {num_users:,}"
        hold.report(step, 0.15 + 0.8 * begin / num_users)
        # What the network expects is a row of all categories for each event: only of these people.
        theirs = known.of_users(users)
        shares = (
            tracking_knowledge.network_shares(network, theirs, training_run=run.training_run)
            if network and run.training_run
            else None
        )
        people = tracking_knowledge.histories_of(
            theirs, users=users, shares=shares, training_run=run.training_run
        )
        written += _write_block(hold, known, people, first=begin, knowledge=knowledge, watch=watch)
    hold.report("Showing the new states", 0.97)
    return written


def _write_block(
    hold: Hold,
    known: DatabaseLog,
    people: Sequence[History],
    *,
    first: int,
    knowledge: Knowledge,
    watch: Watch,
) -> _Written:
    now = timezone.now()
    keys = known.user_keys[first : first + len(people)].tolist()
    # Worked out before anything is locked: the lease, the button that stops and live workers go on.
    made = [
        (states.end_user, line)
        for states in _everybodys_states(known, people, first=first, knowledge=knowledge)
        for line in state_rows.lines(states, knowledge=knowledge, now=now)
    ]
    found = detecting.find(
        [_person(known, first + place, history) for place, history in enumerate(people)],
        watch=watch,
    )
    with transaction.atomic():
        # Held until the rows are in: whoever takes the run over waits, then removes them.
        if not hold.mine().select_for_update().exists():
            raise RunOvertaken(f"{hold.run} was taken over by another worker.")
        rows = EndUser.objects.filter(pk__in=keys).select_for_update(no_key=True)
        alive = set(rows.order_by("pk").values_list("pk", flat=True))
        # The others were erased since the events were read, or want some of them forgotten.
        alive -= histories.no_longer_used(known, alive)
        lines = [line for end_user, line in made if end_user in alive]
        if lines:
            state_rows.insert(lines)
        num_events = detecting.write(found, alive=alive, run_id=hold.run.pk, now=now)
    return _Written(len(lines), num_events)


def _person(known: DatabaseLog, place: int, history: History) -> Person:
    begin, end = known.log.offsets[place : place + 2]
    return Person(
        end_user=int(known.user_keys[place]),
        history=history,
        keys=known.log.positions[begin:end],
        events_through=_through(known, place),
    )


def _watch(knowledge: Knowledge, *, tracking_run: int | None) -> Watch:
    return Watch(
        population=knowledge.population.shares,
        category_keys=knowledge.category_keys,
        settings=detecting.settings_in_force(),
        tracking_run=tracking_run,
    )


def _everybodys_states(
    known: DatabaseLog, people: Sequence[History], *, first: int, knowledge: Knowledge
) -> Iterator[States]:
    for place, track in Mixture(knowledge.population).track_all(people):
        yield States(
            end_user=int(known.user_keys[first + place]),
            events_through=_through(known, first + place),
            history=people[place],
            track=track,
            after=timeline.moments(people[place]),
        )


def _people_with_news(known: DatabaseLog) -> list[int]:
    """Return the places in the log of those whose current state has not seen all of it."""
    current = _current(known.user_keys.tolist())
    return [place for place in range(known.log.num_users) if _is_news(known, place, current)]


def _is_news(
    known: DatabaseLog, place: int, current: dict[int, tuple[datetime | None, int]]
) -> bool:
    end_user = int(known.user_keys[place])
    if end_user not in current:  # erased since the events were read
        return False
    seen, number = current[end_user]
    first, last = known.log.offsets[place : place + 2]
    return seen is None or (_through(known, place), int(last - first)) > (seen, number)


def _append(
    known: DatabaseLog,
    found: Sequence[tuple[int, History, Track]],
    *,
    knowledge: Knowledge,
    watch: Watch,
    now: datetime,
) -> int:
    """Write the live states of those, locked by now, whose current state still has seen less."""
    current = _current(known.user_keys.tolist())
    lines: list[str] = []
    keys: list[int] = []
    people: list[Person] = []
    forgotten = histories.no_longer_used(known, known.user_keys.tolist())
    for place, history, track in found:
        if int(known.user_keys[place]) in forgotten or not _is_news(known, place, current):
            continue
        people.append(_person(known, place, history))
        keys.append(int(known.user_keys[place]))
        states = States(
            end_user=keys[-1],
            events_through=_through(known, place),
            history=history,
            track=track,
            after=np.array([len(history)]),
            # An event that came late may stand before these; at least the newest is shown.
            begin=min(current[keys[-1]][1], len(history) - 1),
        )
        lines += state_rows.lines(states, knowledge=knowledge, now=now)
    if lines:
        state_rows.insert(lines)
        _copy_newest("tracking_run_id IS NULL AND end_user_id = ANY(%s)", [keys])
        detecting.advance(people, watch=watch, now=now)
    return len(lines)


def _current(keys: Sequence[int]) -> dict[int, tuple[datetime | None, int]]:
    """Return what each end user's current state has seen: until when, and how many events."""
    rows = EndUser.objects.filter(pk__in=keys).values_list(
        "pk", "current_state__events_through", "current_state__num_events"
    )
    return {key: (seen, number or 0) for key, seen, number in rows}


def _clear_without_events(keys: Collection[int], *, now: datetime) -> None:
    """Let the copies of end users whose events are all gone say so."""
    detecting.clear(keys, now=now)
    EndUser.objects.filter(pk__in=keys).exclude(current_state=None, num_events=0).update(
        current_state=None, num_events=0, last_event_at=None, drift_score=None
    )


def _lock(condition: str, parameters: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(LOCK_END_USERS.format(condition), parameters)


def _copy_newest(condition: str, parameters: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(COPY_NEWEST.format(condition), parameters)


def _through(known: DatabaseLog, place: int) -> datetime:
    return state_rows.moment(known.events_through[place].astype(np.int64))
