"""A guest becomes a member; nothing is lost, whatever comes in meanwhile."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from interests.models import (
    AlertRule,
    Alias,
    ChangeMark,
    Controls,
    DriftEvent,
    EndUser,
    EventKind,
    Impression,
    Interaction,
    InterestState,
)
from interests.selectors import people
from interests.services import merging, recording, tracking
from interests.services.merging import CannotMerge, EndUserUnknown
from recommender.models import Slate
from recsite.access.models import AuditEntry
from tests import factories
from tests.factories import NOW

DAY = timedelta(days=1)


def merge(user_id="guest", into="ada"):
    merged = merging.merge(user_id=user_id, into=into, now=NOW)
    return merged.into.user_id, merged.num_events, merged.num_impressions, merged.is_done_now


def events_of(user_id):
    rows = Interaction.objects.filter(end_user__user_id=user_id)
    return sorted(rows.values_list("event_id", flat=True))


@pytest.fixture
def guest():
    guest, thing = (
        factories.end_user("guest", attributes={"city": "Rome", "plan": "free"}),
        factories.item(),
    )
    for number in range(3):
        factories.event(guest, thing, event_id=f"g{number}", occurred_at=NOW - number * DAY)
    Impression.objects.create(
        event_id="i", end_user=guest, item=thing, occurred_at=NOW, received_at=NOW
    )
    return guest


@pytest.fixture
def ada():
    ada = factories.end_user("ada", attributes={"plan": "gold"})
    factories.event(ada, factories.item(), event_id="a0", occurred_at=NOW - 9 * DAY)
    return ada


@pytest.mark.django_db
def test_events_impressions_attributes_and_id_are_the_members(guest, ada):
    assert merge() == ("ada", 3, 1, True)

    ada.refresh_from_db()
    assert events_of("ada") == ["a0", "g0", "g1", "g2"]
    assert Impression.objects.get().end_user == ada
    assert ada.attributes == {"city": "Rome", "plan": "gold"}
    assert people.find("guest") == people.find("ada") == ada
    assert EndUser.objects.count() == 1
    assert list(ChangeMark.objects.values_list("end_user", flat=True)) == [ada.pk]


@pytest.mark.django_db
def test_doing_it_again_does_nothing(guest, ada):
    merge()
    ChangeMark.objects.all().delete()

    assert merge() == ("ada", 0, 0, False)
    assert ChangeMark.objects.count() == 0


@pytest.mark.django_db
def test_state_of_the_member_is_that_of_all_the_events(guest, ada):
    tracking.renew_states(end_user_ids=[guest.pk, ada.pk], now=NOW)
    factories.drift_event(guest, rising=factories.category(), falling=factories.category())
    factories.slate(factories.publication(), guest, [factories.item()])

    merge()

    assert [table.objects.filter(end_user=guest.pk).count() for table in (InterestState, DriftEvent, Slate)] == [0, 0, 0]  # fmt: skip
    assert tracking.renew_states(end_user_ids=[ada.pk], now=NOW) == 1
    ada.refresh_from_db()
    assert ada.num_events == 4


@pytest.mark.django_db
def test_member_who_is_new_is_made(guest):
    assert merge(into="bob") == ("bob", 3, 1, True)
    assert events_of("bob") == ["g0", "g1", "g2"]


@pytest.mark.django_db
def test_ids_go_along_a_chain(guest, ada):
    merge("guest", "ada")
    merge("ada", "bob")

    bob = EndUser.objects.get()
    assert {alias: people.find(alias) for alias in ("guest", "ada", "bob")} == dict.fromkeys(
        ("guest", "ada", "bob"), bob
    )
    assert merge("guest", "bob") == ("bob", 0, 0, False)
    assert merge("ada", "guest") == ("bob", 0, 0, False)


@pytest.mark.django_db
def test_into_the_id_of_a_guest_is_into_the_member(guest, ada):
    factories.end_user("other guest")
    merge("guest", "ada")

    assert merge("other guest", "guest")[0] == "ada"


@pytest.mark.django_db
def test_what_cannot_be_is_refused_with_a_reason(guest, ada):
    with pytest.raises(CannotMerge) as same:
        merge("ada", "ada")
    merge("guest", "ada")
    with pytest.raises(CannotMerge) as circle:
        merge("ada", "guest")
    with pytest.raises(CannotMerge) as other:
        merge("guest", "bob")
    with pytest.raises(EndUserUnknown):
        merge("nobody", "ada")

    assert (same.value.code, circle.value.code, other.value.code) == (
        "same_end_user", "same_end_user", "merged_already",
    )  # fmt: skip
    assert EndUser.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("theirs", "own", "united"),
    [
        (
            {"muted_category_ids": [1, 2]},
            {"muted_category_ids": [2, 3]},
            ([1, 2, 3], {}, None, False),
        ),
        ({"is_opted_out": True, "boosts": {"4": 2}}, None, ([], {"4": 2}, None, True)),
        (
            {"is_opted_out": True, "forget_before": NOW},
            {"boosts": {"4": 2}},
            ([], {"4": 2}, NOW, True),
        ),
        (
            {"forget_before": NOW - timedelta(days=1)},
            {"forget_before": NOW},
            ([], {}, NOW, False),
        ),
        ({"muted_category_ids": [4]}, {"boosts": {"4": 2, "5": 3}}, ([4], {"5": 3}, None, False)),
        (None, {"forget_before": NOW}, ([], {}, NOW, False)),
    ],
)
def test_controls_of_the_member_hold_and_no_wish_is_lost(guest, ada, theirs, own, united):
    for person, columns in ((guest, theirs), (ada, own)):
        if columns is not None:
            Controls.objects.create(end_user=person, updated_at=NOW, **columns)

    merge()

    assert Controls.objects.values_list(
        "end_user", "muted_category_ids", "boosts", "forget_before", "is_opted_out"
    ).get() == (ada.pk, *united)


@pytest.mark.django_db
def test_guests_opting_out_that_holds_on_clears_the_member(guest, ada):
    tracking.renew_states(end_user_ids=[ada.pk], now=NOW)
    Controls.objects.create(end_user=guest, is_opted_out=True, updated_at=NOW)

    merge()

    ada.refresh_from_db()
    assert (ada.current_state, InterestState.objects.count()) == (None, 0)


@pytest.mark.django_db
def test_rule_that_watches_the_guest_watches_the_member_and_the_audit_knows(guest, ada):
    factories.alert_rule(scope="end_user", end_user=guest)
    AuditEntry.objects.all().delete()

    merge()

    assert AlertRule.objects.get().end_user == ada
    deed = AuditEntry.objects.get(table="interests.enduser")
    assert (deed.object_key, deed.action, deed.after) == (
        str(ada.pk), "merge", {"guest": guest.pk, "events": 3, "impressions": 1},
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_no_event_is_lost_that_comes_in_for_the_guest_meanwhile():
    EventKind.objects.get_or_create(name="view")
    for number in range(6):
        factories.end_user(f"guest {number}")
    accepted, failures = [], []

    def post(thread):
        try:
            for number in range(40):
                batch = [
                    {"event_id": f"{thread} {number} {guest}", "user_id": f"guest {guest}", "item_id": "b", "kind": "view"}
                    for guest in range(6)
                ]  # fmt: skip
                accepted.append(recording.record_events(events=batch, now=NOW).accepted)
        except Exception as error:  # noqa: BLE001  # shown below
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for number in range(6):
        merging.merge(user_id=f"guest {number}", into=f"member {number % 2}", now=NOW)
    for thread in threads:
        thread.join()

    assert failures == []
    assert sum(accepted) == Interaction.objects.count() == 3 * 40 * 6
    assert list(EndUser.objects.order_by("user_id").values_list("user_id", flat=True)) == [
        "member 0", "member 1",
    ]  # fmt: skip
    assert Alias.objects.count() == 6


@pytest.mark.django_db(transaction=True)
def test_two_merges_at_once_are_one():
    guest, thing = factories.end_user("guest"), factories.item()
    for _ in range(5):
        factories.event(guest, thing)
    results = []

    def run():
        try:
            results.append(merging.merge(user_id="guest", into="ada", now=NOW).num_events)
        except Exception as error:  # noqa: BLE001  # shown below
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [0, 0, 0, 5]
    assert (EndUser.objects.count(), Alias.objects.count()) == (1, 1)
