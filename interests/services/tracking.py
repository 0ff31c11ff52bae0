"""Interest states: of everybody, as a run; of the few who just did something, live.

Only this module writes states, where the tracker stands with each person, and what `EndUser` copies of the
newest state; with each of them `services.detecting` advances the person's detector.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import structlog
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from interests.drift import replaying
from interests.drift.scores import latest_scores
from interests.models import EndUser, InterestState, RunState, TrackingRun, TrainingRun
from interests.selectors import events, histories
from interests.selectors.events import DatabaseLog, LoadedCatalogue
from interests.services import (
    current_states,
    detecting,
    running,
    state_rows,
    tracker_rows,
    tracking_knowledge,
)
from interests.services.detector_rows import Person, Watch
from interests.services.running import Hold, RunOvertaken
from interests.services.state_rows import Knowledge, States
from interests.services.tracker_rows import Basis, Tracked
from interests.services.tracking_knowledge import Recalled
from interests.tracking import mixture, timeline
from interests.tracking.histories import History
from interests.tracking.mixture import Mixture
from interests.tracking.protocol import Track
from interests.tracking.standings import Standing

if TYPE_CHECKING:  # without a network there is no need for torch
    from interests.learning.trained import TrainedNetwork

# So many end users' histories are held and written at a time: some 20,000 rows.
END_USERS_PER_BLOCK = 500
# Of one person's events at one time: an order that a new item somewhere does not change.
TIES = "lasting"

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
        tracker_rows.remove_of(run_id)
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
            current_states.lock("true", [])
            current_states.copy_newest("tracking_run_id = %s", [run_id])
            detecting.copy_newest(run_id=run_id)
        detecting.forget_snapshots_before(run_id)
        tracker_rows.forget_before(run_id)
    log.info("tracking_done", run_id=run_id, **asdict(written))


def renew_states(
    *,
    end_user_ids: Collection[int],
    now: datetime,
    network: TrainedNetwork | None = None,
    training_run: TrainingRun | None = None,
    catalogue: LoadedCatalogue | None = None,
    known: DatabaseLog | None = None,
    memory: tracking_knowledge.Memory | None = None,
) -> int:
    """Append a live state for each of some end users who have events that their state has not seen.

    The tracker goes on from where it stands with a person; where that does not fit their events, as when
    one came late, it replays them all, with the same result.

    Args:
        end_user_ids: primary keys.
        now: when the states are made.
        network: an expert of the mixture for events after its training.
        training_run: that network's training; None: the one of the latest tracking run.
        catalogue: loaded before, to spare reading it.
        known: their events, to spare reading them; ties in the order of `TIES`.
        memory: what a worker keeps between calls.

    Returns:
        how many states were appended.
    """
    if known is None:
        known = events.interaction_log(end_users=end_user_ids, catalogue=catalogue, ties=TIES)
    recalled = (memory or tracking_knowledge.Memory()).recall(
        known, network=network, training_run=training_run
    )
    found = _advance(known, recalled, network=network)
    with transaction.atomic():
        current_states.lock("id = ANY(%s)", [list(end_user_ids)])
        gone = set(end_user_ids) - set(known.user_keys.tolist())
        current_states.clear_without_events(gone, now=now)
        return _append(known, found, recalled=recalled, now=now)


@dataclass(frozen=True)
class _Found:
    """What the tracker says of one end user, by their place in the log."""

    place: int
    tracked: Tracked
    track: Track
    first: int
    standing: Standing


def _advance(
    known: DatabaseLog, recalled: Recalled, *, network: TrainedNetwork | None
) -> list[_Found]:
    """Show the tracker the events that it has not seen of those who have any."""
    places = current_states.with_news(known)
    training_run = recalled.training_run if network is not None else None
    marks = _marks_of(known, range(known.log.num_users))
    people = [
        _tracked(known, place, history, marks[place])
        for place, history in zip(
            places,
            tracking_knowledge.histories_before(known, users=places, training_run=training_run),
            strict=True,
        )
    ]
    standings = tracker_rows.load(people, basis=recalled.basis)
    own = [person.history for person in people]
    if network is not None and training_run is not None and people:
        seen = np.zeros(known.log.num_users, np.int64)
        seen[places] = [0 if one is None else one.num_events for one in standings]
        shares = tracking_knowledge.network_shares(
            network, known, training_run=training_run, seen=seen
        )
        own = tracking_knowledge.with_shares(known, own, users=places, shares=shares)
    return [
        _Found(
            place=places[one.place],
            tracked=people[one.place],
            track=one.track,
            first=one.first,
            standing=one.standing,
        )
        for one in Mixture(recalled.knowledge.population).advance_all(own, standings)
    ]


def _tracked(
    known: DatabaseLog, place: int, history: History, marks: NDArray[np.uint64]
) -> Tracked:
    begin, end = known.log.offsets[place : place + 2]
    return Tracked(int(known.user_keys[place]), history, known.log.positions[begin:end], marks)


def _marks_of(known: DatabaseLog, users: range) -> list[NDArray[np.uint64]]:
    """Return the fingerprints of the events of some users who follow one another."""
    offsets = known.log.offsets[users.start : users.stop + 1]
    keys = known.log.positions[offsets[0] : offsets[-1]]
    return replaying.fingerprints_of_all(keys, offsets - offsets[0])


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
    made: list[tuple[int, bytes]] = []
    tracked: list[tuple[Tracked, Standing]] = []
    marks = _marks_of(known, range(first, first + len(people)))
    theirs = [
        _tracked(known, first + place, history, marks[place])
        for place, history in enumerate(people)
    ]
    for states, standing in _everybodys_states(known, people, first=first, knowledge=knowledge):
        made += [
            (states.end_user, row) for row in state_rows.rows(states, knowledge=knowledge, now=now)
        ]
        place = int(np.searchsorted(known.user_keys, states.end_user))
        tracked.append((theirs[place - first], standing))
    found = detecting.find(
        [_person(known, first + place, person) for place, person in enumerate(theirs)],
        watch=watch,
    )
    with transaction.atomic():
        # Held until the rows are in: whoever takes the run over waits, then removes them.
        if not hold.mine().select_for_update().exists():
            raise RunOvertaken(f"{hold.run} was taken over by another worker.")
        locked = EndUser.objects.filter(pk__in=keys).select_for_update(no_key=True)
        alive = set(locked.order_by("pk").values_list("pk", flat=True))
        # The others were erased since the events were read, or want some of them forgotten.
        alive -= histories.no_longer_used(known, alive)
        rows = [row for end_user, row in made if end_user in alive]
        if rows:
            state_rows.insert(rows)
        tracker_rows.write(
            [(person, standing) for person, standing in tracked if person.end_user in alive],
            basis=Basis(hold.run.pk, knowledge.training_run, knowledge.category_keys),
            replaces=False,
        )
        num_events = detecting.write(found, alive=alive, run_id=hold.run.pk, now=now)
    return _Written(len(rows), num_events)


def _person(known: DatabaseLog, place: int, tracked: Tracked) -> Person:
    return Person(
        end_user=tracked.end_user,
        history=tracked.history,
        keys=tracked.keys,
        marks=tracked.marks,
        events_through=current_states.through(known, place),
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
) -> Iterator[tuple[States, Standing]]:
    for one in Mixture(knowledge.population).advance_all(people, [None] * len(people)):
        states = States(
            end_user=int(known.user_keys[first + one.place]),
            events_through=current_states.through(known, first + one.place),
            history=people[one.place],
            track=one.track,
            after=timeline.moments(people[one.place]),
        )
        yield states, one.standing


def _append(
    known: DatabaseLog, found: Sequence[_Found], *, recalled: Recalled, now: datetime
) -> int:
    """Write the live states of those, locked by now, whose current state still has seen less."""
    keys = known.user_keys.tolist()
    current = current_states.seen_of(keys)
    forgotten = histories.no_longer_used(known, keys)
    written = [
        one
        for one in found
        if one.tracked.end_user not in forgotten
        and current_states.is_news(known, one.place, current)
    ]
    if not written:
        return 0
    drift = latest_scores(
        [one.tracked.history for one in written],
        population=recalled.knowledge.population.shares,
        session_correlation=recalled.knowledge.session_correlation,
    )
    rows: list[bytes] = []
    for place, one in enumerate(written):
        states = States(
            end_user=one.tracked.end_user,
            events_through=current_states.through(known, one.place),
            history=one.tracked.history,
            track=one.track,
            after=np.array([len(one.tracked.history)]),
            # An event that came late may stand before these; at least the newest is shown.
            begin=min(current[one.tracked.end_user][1], len(one.tracked.history) - 1),
            first=one.first,
        )
        rows += state_rows.rows(
            states, knowledge=recalled.knowledge, now=now, drift=drift.at(place)
        )
    state_rows.insert(rows)
    tracker_rows.write([(one.tracked, one.standing) for one in written], basis=recalled.basis)
    current_states.copy_newest(
        "tracking_run_id IS NULL AND end_user_id = ANY(%s)",
        [[one.tracked.end_user for one in written]],
    )
    watch = _watch(recalled.knowledge, tracking_run=recalled.basis.tracking_run)
    people = [_person(known, one.place, one.tracked) for one in written]
    detecting.advance(people, watch=watch, now=now)
    return len(written)
