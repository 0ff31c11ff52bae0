from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from interests.models import ChangeMark, EndUser, InterestState, Item, TrainingRun
from interests.services import recording, tracking
from interests.services import training as training_service
from recommender.models import PublicationRun, Slate
from recommender.services import neighbouring, publishing, refreshing, switching
from tests.factories import NOW
from tests.recommender.services.conftest import populate, train
from tests.recommender.services.test_publishing import published, request

LATER = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a worker of its own, which remembers nothing of other tests' tables."""
    monkeypatch.setattr(refreshing, "memory", refreshing.Memory())


def views(user_id: str, item_id: str, *, at: datetime = LATER) -> None:
    recorded = recording.record_events(
        events=[
            {"event_id": f"{user_id} {item_id} {at}", "user_id": user_id, "item_id": item_id,
             "kind": "view", "occurred_at": at.isoformat()}
        ],
        now=at,
    )  # fmt: skip
    assert (recorded.accepted, recorded.rejected) == (1, [])


def refresh(*, minutes: float = 0, limit: int = 100) -> int:
    return refreshing.refresh_marked(limit=limit, now=LATER + timedelta(minutes=minutes))


def marked() -> list[str]:
    marks = ChangeMark.objects.order_by("end_user__user_id")
    return list(marks.values_list("end_user__user_id", flat=True))


def slate_of(user_id: str) -> Slate:
    return Slate.objects.get(end_user__user_id=user_id)


@pytest.fixture
def serving(training: TrainingRun) -> PublicationRun:
    return published(training)


@pytest.mark.django_db
def test_an_event_renews_state_and_slate_and_takes_the_mark(serving):
    before = slate_of("user 3")
    chosen = before.item_ids[0]
    views("user 3", chosen)

    num = refresh()

    assert (num, marked()) == (1, [])
    after = slate_of("user 3")
    assert set(after.item_ids) == set(before.item_ids) - {chosen}
    assert (after.events_through, after.generated_at) == (LATER, LATER)
    person = EndUser.objects.get(user_id="user 3")
    assert (person.num_events, person.last_event_at) == (7, LATER)
    assert person.current_state.events_through == LATER
    assert person.current_state.training_run == serving.training_run


@pytest.mark.django_db
def test_others_slates_stay_as_they_are(serving):
    before = slate_of("user 4")
    views("user 3", "item 0")

    refresh()

    after = slate_of("user 4")
    assert (after.item_ids, after.generated_at) == (before.item_ids, before.generated_at)


@pytest.mark.django_db
def test_a_person_without_a_slate_gets_one(serving):
    views("newcomer", "item 2")

    refresh()

    assert sorted(slate_of("newcomer").item_ids) == sorted(f"item {n}" for n in range(20) if n != 2)


@pytest.mark.django_db
def test_hidden_items_leave_renewed_slates(serving):
    Item.objects.filter(item_id="item 9").update(is_hidden=True)
    views("newcomer", "item 2")

    refresh()

    assert "item 9" not in slate_of("newcomer").item_ids


@pytest.mark.django_db
def test_states_are_renewed_while_nothing_serves(population):
    views("user 3", "item 0")

    refresh()

    assert marked() == []
    assert EndUser.objects.get(user_id="user 3").num_events == 7
    assert not Slate.objects.exists()


@pytest.mark.django_db
def test_nobody_marked_is_no_work(serving):
    assert refresh() == 0


@pytest.mark.django_db
def test_the_longest_marked_come_first_up_to_the_limit(serving):
    for minutes, name in enumerate(["user 5", "user 1", "user 8"]):
        views(name, "item 0", at=LATER + timedelta(minutes=minutes))

    assert refresh(minutes=5, limit=2) == 2
    assert marked() == ["user 8"]


@pytest.mark.django_db
def test_an_event_during_the_work_leaves_the_mark(serving, monkeypatch):
    views("user 3", "item 0")
    renew = tracking.renew_states

    def interrupted(**arguments: object) -> int:
        monkeypatch.setattr(tracking, "renew_states", renew)
        num = renew(**arguments)
        views("user 3", "item 1", at=LATER + timedelta(seconds=1))
        return num

    monkeypatch.setattr(tracking, "renew_states", interrupted)

    refresh()
    left = marked()
    refresh(minutes=1)

    assert (left, marked()) == (["user 3"], [])
    assert slate_of("user 3").events_through == LATER + timedelta(seconds=1)


@pytest.mark.django_db
def test_a_person_whose_events_are_gone_loses_the_slate(serving):
    person = EndUser.objects.get(user_id="user 3")
    person.interactions.all().delete()
    ChangeMark.objects.create(end_user=person, marked_at=LATER)

    refresh()

    assert not Slate.objects.filter(end_user=person).exists()
    assert marked() == []


@pytest.mark.django_db
def test_a_slate_that_has_seen_more_is_not_overwritten(serving):
    Slate.objects.filter(end_user__user_id="user 3").update(
        events_through=LATER + timedelta(hours=1), item_ids=["x"], items=[1], scores=[1.0]
    )
    views("user 3", "item 0")

    refresh()

    assert slate_of("user 3").item_ids == ["x"]


def fail_for(monkeypatch: pytest.MonkeyPatch, user_id: str) -> list[list[int]]:
    """Let work on a person fail; return the list of those who were worked on together."""
    poisoned = EndUser.objects.get(user_id=user_id).pk
    renew = tracking.renew_states
    turns: list[list[int]] = []

    def failing(**arguments: object) -> int:
        keys = list(arguments["end_user_ids"])
        turns.append(keys)
        if poisoned in keys:
            raise ValueError("poison")
        return renew(**arguments)

    monkeypatch.setattr(tracking, "renew_states", failing)
    return turns


@pytest.mark.django_db
def test_one_poisoned_person_does_not_hold_up_the_others(serving, monkeypatch):
    for name in ("user 1", "user 2", "user 3"):
        views(name, "item 0")
    fail_for(monkeypatch, "user 2")

    refresh()

    assert marked() == ["user 2"]
    assert slate_of("user 3").events_through == LATER


@pytest.mark.django_db
def test_a_mark_is_set_aside_after_three_failures_until_newer_events_come(serving, monkeypatch):
    views("user 2", "item 0")
    turns = fail_for(monkeypatch, "user 2")

    while refresh():
        pass
    num_tried = len(turns)
    mark = ChangeMark.objects.get()
    monkeypatch.undo()
    monkeypatch.setattr(refreshing, "memory", refreshing.Memory())
    nobody = refresh()
    views("user 2", "item 1", at=LATER + timedelta(minutes=2))

    assert num_tried == 1 + 3  # once in a batch, then alone
    assert (mark.failures, mark.error) == (3, "ValueError: poison")
    assert (nobody, refresh(minutes=3), marked()) == (0, 1, [])


@pytest.mark.django_db
def test_a_person_who_kills_the_worker_is_set_aside_alone(serving):
    for name in ("user 1", "user 2"):
        views(name, "item 0")
    # A worker died with both in its hands.
    ChangeMark.objects.update(claimed_until=LATER)

    first = refresh(minutes=3)
    remaining = marked()
    for round_number in range(2, 4):  # the other one's worker dies every time
        minutes = 3.0 * round_number
        assert (
            len(refreshing._claim(limit=1, now=LATER + timedelta(minutes=minutes), is_failing=True))
            == 1
        )
    last = refresh(minutes=20)

    assert (first, remaining) == (1, ["user 2"])
    mark = ChangeMark.objects.get()
    assert (last, mark.failures, mark.claimed_until) == (1, 3, None)
    assert refresh(minutes=40) == 0


@pytest.mark.django_db
def test_a_database_that_is_away_is_nobodys_fault(serving, monkeypatch):
    views("user 1", "item 0")

    def away(**_: object) -> int:
        raise OperationalError("gone")

    monkeypatch.setattr(tracking, "renew_states", away)
    with pytest.raises(OperationalError):
        refresh()

    assert ChangeMark.objects.get().failures == 0


@pytest.mark.django_db
def test_states_are_renewed_while_the_networks_weights_are_damaged(serving, settings):
    before = slate_of("user 3")
    weights = settings.RECSITE_HOME / serving.training_run.weights_path / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    views("user 3", before.item_ids[0])

    num = refresh()

    weights.write_bytes(whole)
    assert (num, marked()) == (1, [])
    person = EndUser.objects.select_related("current_state").get(user_id="user 3")
    assert (person.num_events, person.current_state.training_run) == (7, None)
    assert slate_of("user 3").item_ids == before.item_ids  # the old ones serve


@pytest.mark.django_db
def test_the_network_is_loaded_once_for_many_turns(serving, monkeypatch):
    load, loads = training_service.load, []

    def counted(run: TrainingRun) -> object:
        loads.append(run.pk)
        return load(run)

    monkeypatch.setattr(training_service, "load", counted)
    for minutes in range(3):
        views("user 1", f"item {minutes}", at=LATER + timedelta(minutes=minutes))
        refresh(minutes=minutes)

    assert loads == [serving.training_run_id]


@pytest.mark.django_db
def test_events_that_came_while_slates_were_made_reach_the_new_slates(serving, monkeypatch):
    prepare = neighbouring.write_similar_items

    def late(work: publishing.Work) -> None:
        prepare(work)
        views("user 3", "item 0")
        refresh()

    monkeypatch.setattr(neighbouring, "write_similar_items", late)
    newer = published(serving.training_run)
    left = marked()

    refresh(minutes=1)

    assert (left, marked()) == (["user 3"], [])
    assert newer.slates.get(end_user__user_id="user 3").events_through == LATER


@pytest.mark.django_db(transaction=True)
def test_eight_workers_never_work_on_one_person_at_once(monkeypatch):
    populate()
    published(train())
    for number in range(12):
        views(f"user {number}", "item 0")
    busy: set[int] = set()
    met: list[int] = []
    renew = tracking.renew_states

    def watched(**arguments: object) -> int:
        keys = set(arguments["end_user_ids"])
        met.extend(busy & keys)
        busy.update(keys)
        time.sleep(0.01)
        num = renew(**arguments)
        busy.difference_update(keys)
        return num

    monkeypatch.setattr(tracking, "renew_states", watched)
    together = threading.Barrier(8)

    def work() -> None:
        together.wait()
        while refresh(limit=2):
            pass
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (met, marked()) == ([], [])
    assert set(Slate.objects.values_list("events_through", flat=True)) == {LATER}
    assert InterestState.objects.count() == 12


@pytest.mark.django_db(transaction=True)
def test_a_new_event_never_waits_for_the_refresh_of_its_person(monkeypatch):
    populate()
    views("user 3", "item 0")
    renew = tracking.renew_states

    def slow(**arguments: object) -> int:
        thread = threading.Thread(
            target=lambda: (
                views("user 3", "item 1", at=LATER + timedelta(seconds=1)), connection.close()
            )
        )  # fmt: skip
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
        return renew(**arguments)

    monkeypatch.setattr(tracking, "renew_states", slow)

    refresh()

    assert marked() == ["user 3"]


@pytest.mark.django_db(transaction=True)
def test_a_switch_during_the_work_leaves_the_mark_for_what_serves_now(monkeypatch):
    populate()
    training = train()
    published(training)
    newer = request(training, settings={"switch": False})
    publishing.publish(run_id=newer.pk)
    newer.refresh_from_db()
    views("user 3", "item 0")
    renew = tracking.renew_states

    def switched(**arguments: object) -> int:
        monkeypatch.setattr(tracking, "renew_states", renew)
        switching.switch_to(publication=newer, by="ada", reason="", now=timezone.now())
        return renew(**arguments)

    monkeypatch.setattr(tracking, "renew_states", switched)

    refresh()
    left = marked()
    refresh(minutes=1)

    assert (left, marked()) == (["user 3"], [])
    assert newer.slates.get(end_user__user_id="user 3").events_through == LATER
