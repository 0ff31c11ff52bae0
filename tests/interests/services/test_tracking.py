"""Tracking runs and live states in the database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from interests.models import EndUser, Interaction, InterestState, RunState, TrackingRun
from interests.services import running, tracking
from tests import factories

START = datetime(2026, 1, 5, 12, tzinfo=UTC)  # a Monday
pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue():
    names = ("comedy", "drama", "horror")
    return [factories.item(categories=(factories.category(name),)) for name in names]


def live(person, items, *, start=START, step=timedelta(days=1), kind="view"):
    """Give an end user one event on each of the items."""
    for number, thing in enumerate(items):
        at = start + number * step
        factories.event(person, thing, kind=kind, occurred_at=at, received_at=at)


def track(**fields):
    run = running.request(TrackingRun, now=timezone.now(), tracker_version="mixture-1", **fields)
    tracking.track_everybody(run_id=run.pk)
    run.refresh_from_db()
    return run


def test_a_run_makes_one_state_a_week_and_copies_the_newest(catalogue):
    comedy, drama, horror = catalogue
    ann, bob = factories.end_user("ann"), factories.end_user("bob")
    live(ann, [comedy] * 7 + [horror] * 3)
    live(bob, [drama])
    nobody = factories.end_user("without events")

    run = track()

    states = list(InterestState.objects.filter(end_user=ann).order_by("at"))
    assert [state.at for state in states] == [START + timedelta(days=6), START + timedelta(days=9)]
    assert [state.num_events for state in states] == [7, 10]
    assert [state.active_days for state in states] == [7, 10]
    names = {key: place for place, key in enumerate(states[0].category_ids)}
    places = [names[thing.categories.get().pk] for thing in catalogue]
    assert [states[0].event_shares[place] for place in places] == [1, 0, 0]
    assert [states[1].event_shares[place] for place in places] == [0, 0, 1]
    assert states[1].weights[places[2]] > 2 * states[0].weights[places[2]]
    for state in states:
        for rows in (state.weights, state.long_term, state.short_term):
            assert sum(rows) == pytest.approx(1, abs=1e-9)
    assert states[1].drift_score is None  # ten events are too few
    assert states[1].events_through == START + timedelta(days=9)
    ann.refresh_from_db()
    assert ann.current_state_id == states[1].pk
    assert (ann.num_events, ann.last_event_at) == (10, START + timedelta(days=9))
    nobody.refresh_from_db()
    assert nobody.current_state_id is None
    assert run.state == RunState.DONE
    assert (run.results["num_states"], run.results["num_end_users"]) == (3, 2)
    assert sum(run.results["population_shares"]) == pytest.approx(1)


def test_a_run_without_events_is_done_with_nothing():
    run = track()

    assert (run.state, run.results["num_states"]) == (RunState.DONE, 0)


def test_negative_events_are_evidence_and_no_share(catalogue):
    comedy, drama, _ = catalogue
    ann = factories.end_user("ann")
    live(ann, [comedy, drama])
    live(ann, [drama], start=START + timedelta(days=2), kind="dislike")

    track()

    state = InterestState.objects.get()
    place = state.category_ids.index(drama.categories.get().pk)
    assert state.num_events == 3
    assert state.event_shares[place] == 0.5
    assert (
        state.weights[place] < state.weights[state.category_ids.index(comedy.categories.get().pk)]
    )


def test_somebody_who_changes_gets_a_drift_score_above_three(catalogue):
    ann = factories.end_user("ann")
    rng = np.random.default_rng(0)
    chosen = [*rng.choice(3, 60, p=[0.8, 0.1, 0.1]), *[2] * 15]
    live(ann, [catalogue[place] for place in chosen])

    track()

    ann.refresh_from_db()
    assert ann.drift_score > 3
    assert ann.current_state.drift_score == ann.drift_score


def test_a_restart_first_removes_what_a_half_run_left(catalogue):
    ann = factories.end_user("ann")
    live(ann, catalogue)
    track()
    leftover = InterestState.objects.get()
    run = running.request(TrackingRun, now=timezone.now(), tracker_version="mixture-1")
    leftover.pk, leftover.tracking_run = None, run
    leftover.save()

    tracking.track_everybody(run_id=run.pk)

    assert InterestState.objects.filter(tracking_run=run).count() == 1
    assert not InterestState.objects.filter(pk=leftover.pk).exists()


def test_two_runs_keep_the_older_states(catalogue):
    live(factories.end_user("ann"), catalogue)

    first, second = track(), track()

    runs = InterestState.objects.order_by("pk").values_list("tracking_run", flat=True)
    assert list(runs) == [first.pk, second.pk]
    assert EndUser.objects.get().current_state.tracking_run_id == second.pk


def test_a_run_does_not_take_back_a_state_that_has_seen_more(catalogue, monkeypatch):
    ann = factories.end_user("ann")
    live(ann, catalogue)
    read = tracking.events.interaction_log

    def read_then_act(**arguments):
        monkeypatch.setattr(tracking.events, "interaction_log", read)
        known = read(**arguments)
        live(ann, catalogue[:1], start=START + timedelta(days=30))
        tracking.renew_states(end_user_ids=[ann.pk], now=timezone.now())
        return known

    monkeypatch.setattr(tracking.events, "interaction_log", read_then_act)
    track()

    ann.refresh_from_db()
    assert (ann.num_events, ann.current_state.tracking_run_id) == (4, None)


def test_a_live_state_works_before_any_run(catalogue):
    ann = factories.end_user("ann")
    live(ann, catalogue[:1] * 5)

    count = tracking.renew_states(end_user_ids=[ann.pk], now=factories.NOW)

    state = InterestState.objects.get()
    assert count == 1
    assert (state.tracking_run_id, state.num_events, state.created_at) == (None, 5, factories.NOW)
    assert state.weights[state.category_ids.index(catalogue[0].categories.get().pk)] > 0.4
    ann.refresh_from_db()
    assert (ann.current_state_id, ann.num_events) == (state.pk, 5)


def test_renewing_twice_appends_once_and_a_new_event_appends_again(catalogue):
    ann = factories.end_user("ann")
    live(ann, catalogue[:2])
    track()

    first = tracking.renew_states(end_user_ids=[ann.pk], now=factories.NOW)
    live(ann, catalogue[2:], start=START + timedelta(days=9))
    second = tracking.renew_states(end_user_ids=[ann.pk], now=factories.NOW)
    third = tracking.renew_states(end_user_ids=[ann.pk], now=factories.NOW)

    assert (first, second, third) == (0, 1, 0)
    state = EndUser.objects.get().current_state
    assert (state.tracking_run_id, state.num_events) == (None, 3)
    place = state.category_ids.index(catalogue[2].categories.get().pk)
    assert state.event_shares[place] == 1  # only the event since the state before


def test_a_live_state_is_what_a_run_says_of_the_same_events(catalogue):
    people = [factories.end_user(name) for name in ("ann", "bob", "cem", "dan")]
    for number, person in enumerate(people):
        live(person, [catalogue[number % 3]] * 6 + [catalogue[(number + 1) % 3]] * 3)
    track()
    from_run = InterestState.objects.order_by("-at").filter(end_user=people[0])[0]
    EndUser.objects.update(current_state=None)

    tracking.renew_states(end_user_ids=[people[0].pk], now=factories.NOW)

    people[0].refresh_from_db()
    assert people[0].current_state_id != from_run.pk
    assert people[0].current_state.weights == pytest.approx(from_run.weights, abs=1e-6)
    assert people[0].current_state.drift_score == from_run.drift_score


def test_somebody_whose_events_are_gone_has_no_current_state(catalogue):
    ann = factories.end_user("ann")
    live(ann, catalogue)
    track()
    Interaction.objects.all().delete()

    count = tracking.renew_states(end_user_ids=[ann.pk], now=factories.NOW)

    ann.refresh_from_db()
    assert count == 0
    assert (ann.current_state_id, ann.num_events, ann.last_event_at) == (None, 0, None)


def test_renewing_nobody_or_somebody_unknown_does_nothing():
    assert tracking.renew_states(end_user_ids=[], now=factories.NOW) == 0
    assert tracking.renew_states(end_user_ids=[12345], now=factories.NOW) == 0


def test_renewing_many_takes_as_many_queries_as_renewing_one(
    catalogue, django_assert_max_num_queries
):
    people = [factories.end_user(f"person {number}") for number in range(5)]
    for person in people:
        live(person, catalogue)
    track()
    for person in people:
        live(person, catalogue, start=START + timedelta(days=20))

    with django_assert_max_num_queries(22):
        count = tracking.renew_states(
            end_user_ids=[person.pk for person in people], now=factories.NOW
        )

    assert count == 5


@pytest.fixture
def trained(catalogue):
    """Return a training run with the weights of an untrained network on disk."""
    import torch

    from interests.learning import checkpoints
    from interests.learning.config import TrainingConfig
    from interests.learning.event_kinds import EventKinds
    from interests.learning.networks.interest_network import InterestNetwork
    from interests.learning.trained import TrainedNetwork

    torch.manual_seed(0)
    config = TrainingConfig(width=8, num_heads=2, num_blocks=1)
    network = TrainedNetwork(
        network=InterestNetwork(config=config, num_items=3, num_kinds=3).eval(),
        item_ids=np.array([thing.item_id for thing in catalogue], object),
        kinds=EventKinds(names=("view",), bounds=((),)),
        config=config,
        log_rises=np.zeros(3, np.float32),
    )
    folder = Path(settings.RECSITE_HOME) / "networks" / "tracking-test"
    sha256 = checkpoints.save(network, folder)
    return factories.training_run(
        weights_path="networks/tracking-test",
        weights_sha256=sha256,
        window_to=START + timedelta(days=4),
    )


def test_with_a_network_states_have_a_vector_and_its_word_counts_after_its_training(
    catalogue, trained
):
    ann = factories.end_user("ann")
    live(ann, catalogue[:1] * 10)

    plain, helped = track(), track(training_run=trained)

    without = InterestState.objects.filter(tracking_run=plain).order_by("at")
    with_it = InterestState.objects.filter(tracking_run=helped).order_by("at")
    assert [state.vector for state in without] == [None, None]
    assert [len(state.vector) for state in with_it] == [8, 8]
    assert [state.training_run_id for state in with_it] == [trained.pk, trained.pk]
    assert with_it[1].weights != without[1].weights
    assert with_it[1].long_term == without[1].long_term


def test_the_vector_is_the_mean_embedding_of_categories_by_weight(catalogue, trained):
    from interests.learning import scoring
    from interests.services import training

    live(factories.end_user("ann"), catalogue)

    track(training_run=trained)

    state = InterestState.objects.get()
    rows = scoring.item_embeddings(training.load(trained))
    by_category = {thing.categories.get().pk: rows[n] for n, thing in enumerate(catalogue)}
    expected = sum(
        weight * by_category[key]
        for weight, key in zip(state.weights, state.category_ids, strict=True)
        if key
    )
    np.testing.assert_allclose(np.array(state.vector), expected, rtol=1e-4, atol=1e-6)


def test_a_live_state_listens_to_the_network_too(catalogue, trained):
    from interests.services import training

    ann = factories.end_user("ann")
    live(ann, catalogue[:1] * 10)
    track(training_run=trained)
    live(ann, catalogue[1:2], start=START + timedelta(days=20))

    tracking.renew_states(end_user_ids=[ann.pk], now=factories.NOW, network=training.load(trained))

    state = EndUser.objects.get().current_state
    assert (state.training_run_id, state.num_events, len(state.vector)) == (trained.pk, 11, 8)


def test_damaged_weights_fail_the_run_with_its_reason(catalogue, trained):
    live(factories.end_user("ann"), catalogue)
    type(trained).objects.update(weights_sha256="0" * 64)
    run = running.request(
        TrackingRun, now=timezone.now(), training_run=trained, tracker_version="mixture-1"
    )

    with pytest.raises(running.CannotRun):
        tracking.track_everybody(run_id=run.pk)

    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert run.error.startswith(f"The network of training {trained.pk} cannot be used: ")
    assert InterestState.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_append_one_state(catalogue):
    ann = factories.end_user("ann")
    live(ann, catalogue)
    start = threading.Barrier(2)

    def renew():
        try:
            start.wait(10)
            return tracking.renew_states(end_user_ids=[ann.pk], now=factories.NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        counts = [future.result() for future in [pool.submit(renew), pool.submit(renew)]]

    assert sorted(counts) == [0, 1]
    assert InterestState.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_is_locked_while_states_are_worked_out(catalogue, monkeypatch):
    were_locked: list[bool] = []
    rows = tracking.state_rows.rows

    def watched(*args, **kwargs):
        were_locked.append(connection.in_atomic_block)
        return rows(*args, **kwargs)

    monkeypatch.setattr(tracking.state_rows, "rows", watched)
    live(factories.end_user("ann"), catalogue)

    run = track()

    assert (run.state, were_locked) == (RunState.DONE, [False])


def test_the_network_is_asked_about_a_few_people_at_a_time(catalogue, trained, monkeypatch):
    asked: list[int] = []
    shares = tracking.tracking_knowledge.network_shares

    def watched(network, known, **options):
        asked.append(known.log.num_events)
        return shares(network, known, **options)

    monkeypatch.setattr(tracking.tracking_knowledge, "network_shares", watched)
    monkeypatch.setattr(tracking, "END_USERS_PER_BLOCK", 2)
    for length in (1, 2, 3):
        live(factories.end_user(), catalogue[:length])

    run = track(training_run=trained)

    assert (run.state, asked, run.results["num_end_users"]) == (RunState.DONE, [3, 3], 3)


def test_a_person_was_last_seen_at_a_time_that_is_not_doubtful(catalogue):
    ann, bob = factories.end_user("ann"), factories.end_user("bob")
    far = datetime(9999, 1, 1, tzinfo=UTC)
    live(ann, catalogue[:2])
    for person in (ann, bob):
        factories.event(person, catalogue[2], occurred_at=far, is_time_doubtful=True)

    track()

    found = EndUser.objects.order_by("user_id").values_list("num_events", "last_event_at")
    assert list(found) == [(3, START + timedelta(days=1)), (1, far)]
