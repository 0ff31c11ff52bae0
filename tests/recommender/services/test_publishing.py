from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from interests.models import ChangeMark, EndUser, Item, RunState, TrainingRun
from interests.services import running
from interests.services.running import CannotRun, RunNotClaimed
from recommender.evaluation import gates
from recommender.models import PublicationRun, Serving, SimilarItems, Slate, Switch
from recommender.services import promoting, publishing, slating
from recommender.services.slating import Ranked
from recsite.access.models import AuditEntry
from tests import factories
from tests.factories import NOW
from tests.recommender.services.conftest import NUM_EVENTS, NUM_ITEMS, NUM_USERS, populate, train


def request(training: TrainingRun, **fields: object) -> PublicationRun:
    return running.request(PublicationRun, now=timezone.now(), training_run=training, **fields)


def published(training: TrainingRun, **fields: object) -> PublicationRun:
    run = request(training, **fields)
    publishing.publish(run_id=run.pk)
    run.refresh_from_db()
    return run


@pytest.mark.django_db
def test_everybody_with_events_gets_all_that_they_have_not_seen(training):
    factories.end_user("stranger")

    run = published(training)

    assert run.state == RunState.DONE
    slates = {slate.end_user.user_id: slate for slate in run.slates.select_related("end_user")}
    assert sorted(slates) == sorted(f"user {n}" for n in range(NUM_USERS))
    slate = slates["user 3"]
    seen = {f"item {(3 + 2 * step) % NUM_ITEMS}" for step in range(NUM_EVENTS)}
    assert sorted(slate.item_ids) == sorted({f"item {n}" for n in range(NUM_ITEMS)} - seen)
    assert slate.scores == sorted(slate.scores, reverse=True)
    ids = dict(Item.objects.values_list("pk", "item_id"))
    assert [ids[key] for key in slate.items] == slate.item_ids
    assert slate.events_through == NOW - timedelta(days=1)
    assert run.results["num_end_users"] == NUM_USERS
    assert run.results["num_items"] == NUM_ITEMS
    assert run.results["switched"] is True


@pytest.mark.django_db
def test_publishing_serves_and_is_logged(training):
    run = published(training)

    assert Serving.objects.get().publication == run
    switch = Switch.objects.get()
    assert (switch.publication, switch.switched_by) == (run, "publication")


@pytest.mark.django_db
def test_without_the_switch_what_served_goes_on(training):
    first = published(training)

    second = published(training, settings={"switch": False})

    assert second.state == RunState.DONE
    assert second.results["not_switched_because"] == "It was asked not to."
    assert Serving.objects.get().publication == first


@pytest.mark.django_db
def test_hidden_items_are_in_no_slate_and_nobodys_neighbour(training):
    Item.objects.filter(item_id="item 19").update(is_hidden=True)

    run = published(training)

    assert Slate.objects.count() == NUM_USERS
    assert not Slate.objects.filter(item_ids__contains=["item 19"]).exists()
    similar = SimilarItems.objects.filter(publication=run)
    assert similar.count() == NUM_ITEMS
    assert {len(row.items) for row in similar.exclude(item__item_id="item 19")} == {NUM_ITEMS - 2}
    assert not similar.filter(item_ids__contains=["item 19"]).exists()


@pytest.mark.django_db
def test_similar_items_are_sorted_by_cosine_and_leave_out_the_item_itself(training):
    run = published(training)

    row = SimilarItems.objects.get(publication=run, item__item_id="item 0")
    assert sorted(row.item_ids) == sorted(f"item {n}" for n in range(1, NUM_ITEMS))
    assert row.scores == sorted(row.scores, reverse=True)
    assert -1 <= row.scores[-1] <= row.scores[0] <= 1


@pytest.mark.django_db
def test_ids_of_every_kind_survive_the_way_into_the_table(population):
    odd = ['comma,"quote"', "back\\slash", "{brace}", "new\nline\ttab", "NULL", "émoji 🎈", " "]
    person = EndUser.objects.get(user_id="user 0")
    for name in odd:
        factories.event(person, factories.item(name))

    run = published(train())

    slate = run.slates.get(end_user__user_id="user 1")
    assert set(odd) < set(slate.item_ids)


@pytest.mark.django_db
def test_a_restart_removes_what_the_half_run_left(training):
    run = request(training)
    ghost = factories.end_user("ghost")
    factories.slate(run, ghost, [factories.item("ghostly", is_hidden=True)])

    publishing.publish(run_id=run.pk)

    assert run.slates.count() == NUM_USERS
    assert not run.slates.filter(end_user=ghost).exists()


@pytest.mark.django_db
def test_a_held_publication_is_left_alone(training):
    run = request(training)
    PublicationRun.objects.filter(pk=run.pk).update(
        state=RunState.STARTED, attempt=1, lease_expires_at=timezone.now() + timedelta(minutes=1)
    )

    with pytest.raises(RunNotClaimed):
        publishing.publish(run_id=run.pk)

    assert not Slate.objects.exists()


@pytest.mark.django_db
def test_damaged_weights_fail_the_run_and_the_old_one_serves(training):
    first = published(training)
    weights = settings.RECSITE_HOME / training.weights_path / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    run = request(training)

    with pytest.raises(CannotRun, match="is not the one that was saved"):
        publishing.publish(run_id=run.pk)

    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert run.error.endswith("Restore the files from a backup or train again.")
    assert Serving.objects.get().publication == first
    assert not run.slates.exists()


@pytest.mark.django_db
def test_a_training_that_is_not_done_cannot_be_published(population):
    training = TrainingRun.objects.create(requested_at=NOW)

    with pytest.raises(CannotRun, match="is waiting; only one that is done"):
        publishing.publish(run_id=request(training).pk)


@pytest.mark.django_db
def test_nobody_to_publish_for_is_said(training):
    EndUser.objects.all().delete()

    with pytest.raises(CannotRun, match="Nobody has events"):
        publishing.publish(run_id=request(training).pk)


@pytest.mark.django_db
def test_a_catalogue_that_is_all_hidden_fails_and_serves_nothing(training):
    Item.objects.update(is_hidden=True)
    run = request(training)

    with pytest.raises(CannotRun, match="No slate holds any item"):
        publishing.publish(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, Serving.objects.exists()) == (RunState.FAILED, False)


@pytest.mark.django_db
def test_a_slate_with_a_seen_item_fails_the_check(training, monkeypatch):
    run = request(training)
    insert = slating.insert

    def spoilt(*, log, ranked, **options):
        first_seen = log.log.items[log.log.offsets[:-1]]
        ranked.items[:, 0] = first_seen[ranked.users]
        return insert(log=log, ranked=ranked, **options)

    monkeypatch.setattr(slating, "insert", spoilt)

    with pytest.raises(CannotRun, match="were seen before"):
        publishing.publish(run_id=run.pk)

    assert not Serving.objects.exists()


@pytest.mark.django_db
def test_events_of_an_import_that_ends_meanwhile_do_not_fail_the_check(training, monkeypatch):
    def finish(work, *, seconds: float) -> None:
        slate = Slate.objects.select_related("end_user").first()
        arrived = slate.events_through - timedelta(hours=1)
        thing = Item.objects.get(pk=slate.items[0])
        factories.event(slate.end_user, thing, received_at=arrived)
        whole(work, seconds=seconds)

    whole = publishing._finish
    monkeypatch.setattr(publishing, "_finish", finish)

    assert published(training).state == RunState.DONE


@pytest.mark.django_db
def test_a_missing_slate_fails_the_check(training, monkeypatch):
    run = request(training)
    insert = slating.insert

    def without_one(*, ranked, **options):
        fewer = Ranked(ranked.users[1:], ranked.items[1:], ranked.scores[1:])
        return insert(ranked=fewer, **options)

    monkeypatch.setattr(slating, "insert", without_one)

    with pytest.raises(CannotRun, match="1 end users with events got no slate"):
        publishing.publish(run_id=run.pk)


@pytest.mark.django_db
def test_somebody_erased_meanwhile_does_not_fail_the_run(training, monkeypatch):
    run = request(training)
    insert = slating.insert

    def erasing(**options):
        EndUser.objects.get(user_id="user 5").delete()
        return insert(**options)

    monkeypatch.setattr(slating, "insert", erasing)

    publishing.publish(run_id=run.pk)

    assert run.slates.count() == NUM_USERS - 1


@pytest.mark.django_db
def test_progress_is_told(training):
    told: list[tuple[str, float]] = []

    publishing.publish(
        run_id=request(training).pk, report=lambda step, share: told.append((step, share))
    )

    assert told[0] == ("reading the network", 0.0)
    assert (f"slates: {NUM_USERS} of {NUM_USERS} end users", pytest.approx(0.9)) in told
    assert [share for _, share in told] == sorted(share for _, share in told)


@pytest.mark.django_db
def test_asking_to_stop_stops_and_serves_nothing(training):
    run = request(training)

    with pytest.raises(running.RunStopped):
        publishing.publish(
            run_id=run.pk,
            report=lambda *_: running.ask_to_stop(
                PublicationRun, run_id=run.pk, now=timezone.now()
            ),
        )

    run.refresh_from_db()
    assert (run.state, Serving.objects.exists()) == (RunState.STOPPED, False)


@pytest.mark.django_db
def test_only_two_older_publications_keep_their_slates(training):
    runs = [published(training) for _ in range(4)]

    assert [run.slates.count() for run in runs] == [0, NUM_USERS, NUM_USERS, NUM_USERS]
    runs[0].refresh_from_db()
    assert runs[0].results.keys() - runs[1].results.keys() == {"slates_removed_at"}


@pytest.mark.django_db(transaction=True)
def test_of_two_publications_at_once_the_later_serves_whole():
    populate()
    training = train()
    runs = [request(training) for _ in range(2)]
    together = threading.Barrier(2)

    def work(run: PublicationRun) -> None:
        together.wait()
        publishing.publish(run_id=run.pk)
        connection.close()

    threads = [threading.Thread(target=work, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for run in runs:
        run.refresh_from_db()
    assert [run.state for run in runs] == [RunState.DONE, RunState.DONE]
    assert Serving.objects.get().publication == runs[1]
    assert runs[1].slates.count() == NUM_USERS
    # The loser's are cleared away when it was done before the winner looked.
    assert runs[0].slates.count() in (0, NUM_USERS)
    assert Switch.objects.order_by("-pk").first().publication == runs[1]


@pytest.mark.django_db(transaction=True)
def test_the_earlier_of_two_does_not_take_over_from_the_later(monkeypatch):
    populate()
    training = train()
    earlier, later = (request(training) for _ in range(2))
    rank = slating.rank

    def overtaken(**options):
        monkeypatch.setattr(slating, "rank", rank)
        thread = threading.Thread(target=lambda: (
            publishing.publish(run_id=later.pk), connection.close()))  # fmt: skip
        thread.start()
        thread.join()
        return rank(**options)

    monkeypatch.setattr(slating, "rank", overtaken)

    publishing.publish(run_id=earlier.pk)

    earlier.refresh_from_db()
    assert Serving.objects.get().publication == later
    assert earlier.results["not_switched_because"] == (
        f"publication {later.pk} was requested later and serves already."
    )
    assert not ChangeMark.objects.exists()


@pytest.mark.django_db
def test_a_closed_gate_holds_what_is_published_with_its_reason(training, monkeypatch):
    first = published(training)
    monkeypatch.setattr(gates, "MIN_COVERAGE", 1.5)

    second = published(training)

    assert second.state == RunState.DONE
    assert Serving.objects.get().publication == first
    assert second.held_by == ""
    assert second.held_because.startswith("Fewer than 150 % of the items: ")
    assert second.results["switched"] is False
    assert second.results["not_switched_because"] == f"It is held. {second.held_because}"
    assert [check["is_met"] for check in second.results["gate"]["checks"]] == [True, False, True]
    assert AuditEntry.objects.filter(action="hold", object_key=str(second.pk)).count() == 1


@pytest.mark.django_db
def test_what_is_held_while_it_waits_is_made_and_does_not_serve(training):
    first, run = published(training), request(training)
    promoting.hold(publication=run, by="ada", reason="wait for Monday", now=timezone.now())

    publishing.publish(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, run.held_because) == (RunState.DONE, "wait for Monday")
    assert run.slates.count() == NUM_USERS
    assert Serving.objects.get().publication == first
    promoting.promote(publication=run, by="ada", reason="", now=timezone.now())
    assert Serving.objects.get().publication == run


@pytest.mark.django_db
def test_the_first_publication_of_all_meets_an_open_gate(training):
    run = published(training)

    assert run.results["gate"] == {"against": None, "checks": []}
    assert run.held_at is None
