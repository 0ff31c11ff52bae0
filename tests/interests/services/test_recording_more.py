"""Clocks that are wrong, impressions, ids of old, and people who go away while their events come in."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from interests.models import Alias, ChangeMark, EndUser, EventKind, Impression, Interaction
from interests.services import recording
from tests.factories import NOW, end_user, item

HOUR = timedelta(hours=1)
A_DAY_AND_A_BIT = timedelta(days=1, seconds=1)


@pytest.fixture(autouse=True)
def kinds(request):
    """Put back the kinds where a transactional test has emptied all tables."""
    is_transactional = request.node.get_closest_marker("django_db").kwargs.get("transaction")
    request.getfixturevalue("transactional_db" if is_transactional else "db")
    EventKind.objects.get_or_create(name="view")


def plain(event_id="e1", **fields):
    return {"event_id": event_id, "user_id": "ada", "item_id": "book", "kind": "view", **fields}


def record(*events, now=NOW, sent_at=None):
    return recording.record_events(events=events, now=now, sent_at=sent_at)


def iso(at):
    return at.isoformat()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("slow", "is_corrected"),
    [
        (timedelta(seconds=5), False),
        (timedelta(seconds=6), True),
        (timedelta(seconds=-6), True),
        (HOUR, True),
        (-8 * HOUR, True),
        (timedelta(days=1), True),
        (A_DAY_AND_A_BIT, False),
        (-A_DAY_AND_A_BIT, False),
        (timedelta(days=20_000), False),
    ],
)
@pytest.mark.parametrize("kind", ["view", "impression"])
def test_time_is_corrected_by_what_the_senders_clock_is_wrong(slow, is_corrected, kind):
    said = NOW - slow - timedelta(minutes=2)  # two minutes before it was sent, by the same clock

    record(plain(kind=kind, occurred_at=iso(said)), sent_at=iso(NOW - slow))

    table = Interaction if kind == "view" else Impression
    stored = table.objects.get()
    if is_corrected:
        assert (stored.occurred_at, stored.occurred_at_sent) == (NOW - timedelta(minutes=2), said)
    else:
        assert (stored.occurred_at, stored.occurred_at_sent) == (said, None)
    assert stored.is_time_doubtful is (said < datetime(1990, 1, 1, tzinfo=UTC))


@pytest.mark.django_db
def test_what_gives_no_time_occurred_when_it_came():
    record(plain(), sent_at=iso(NOW - HOUR))

    assert list(Interaction.objects.values_list("occurred_at", "occurred_at_sent")) == [(NOW, None)]


@pytest.mark.django_db
def test_corrected_time_is_flagged_by_what_it_became():
    in_a_day = iso(NOW + timedelta(hours=25))
    record(plain("a", occurred_at=in_a_day), sent_at=iso(NOW + 2 * HOUR))
    record(plain("b", occurred_at=in_a_day))
    record(plain("c", occurred_at="9999-12-31T23:59:59Z"), sent_at=iso(NOW - HOUR))

    rows = Interaction.objects.order_by("event_id").values_list("event_id", "is_time_doubtful")
    assert list(rows) == [("a", False), ("b", True), ("c", True)]


@pytest.mark.django_db
@pytest.mark.parametrize("sent_at", ["now", 1_772_625_600, True, [], "2026-13-01T00:00:00Z"])
def test_what_is_no_time_of_sending_is_refused_whole(sent_at):
    with pytest.raises(recording.BadSentAt, match="sent_at must be an ISO 8601 time such as"):
        record(plain(), sent_at=sent_at)

    assert Interaction.objects.count() == 0


@pytest.mark.django_db
def test_impressions_are_stored_apart_and_mark_nobody():
    shown = {"recommendation_id": "r1", "session_id": "s1"}

    seen = record(plain("i1", kind="impression", value=3, **shown))
    looked = record(plain("i2", kind="dwell", value=2.5, **shown), plain("e1"), plain("i1"))

    rows = Impression.objects.order_by("event_id").values_list(
        "event_id", "end_user__user_id", "item__item_id", "dwell_seconds", "recommendation_id",
        "session_id", "occurred_at", "received_at",
    )  # fmt: skip
    assert list(rows) == [
        ("i1", "ada", "book", None, "r1", "s1", NOW, NOW),
        ("i2", "ada", "book", 2.5, "r1", "s1", NOW, NOW),
    ]
    assert (seen.accepted, seen.duplicates, seen.marked) == (1, 0, 0)
    assert (looked.accepted, looked.duplicates, looked.marked) == (2, 1, 1)
    assert list(Interaction.objects.values_list("event_id", flat=True)) == ["e1"]
    assert ChangeMark.objects.get().generation == 1


@pytest.mark.django_db
def test_same_event_id_counts_once_across_events_and_impressions():
    first = record(plain("x"), plain("y", kind="impression"), plain("x", kind="impression"))
    second = record(plain("y"), plain("x", kind="impression"), plain("z", kind="impression"))

    assert (first.accepted, first.duplicates) == (2, 1)
    assert (second.accepted, second.duplicates) == (1, 2)
    assert list(Interaction.objects.values_list("event_id", flat=True)) == ["x"]
    assert sorted(Impression.objects.values_list("event_id", flat=True)) == ["y", "z"]


@pytest.mark.django_db
@pytest.mark.parametrize("value", [None, -0.1])
def test_dwell_without_seconds_is_rejected(value):
    recorded = record(plain(kind="dwell", value=value))

    assert [(r.index, r.code) for r in recorded.rejected] == [(0, "value_out_of_range")]


@pytest.mark.django_db
def test_known_events_make_nobody_and_nothing_again():
    record(plain("e1"))

    record(plain("e1", user_id="somebody", item_id="something"))

    assert list(EndUser.objects.values_list("user_id", flat=True)) == ["ada"]


@pytest.mark.django_db
def test_old_id_of_somebody_stands_for_this_person():
    member = end_user("member")
    Alias.objects.create(user_id="guest", end_user=member, created_at=NOW)

    recorded = record(
        plain("e1", user_id="guest"), plain("e2", user_id="member"), plain("e3", user_id="other")
    )

    assert (recorded.accepted, recorded.marked) == (3, 3)
    assert set(Interaction.objects.values_list("event_id", "end_user__user_id")) == {
        ("e1", "member"), ("e2", "member"), ("e3", "other"),
    }  # fmt: skip
    assert sorted(EndUser.objects.values_list("user_id", flat=True)) == ["member", "other"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("becomes", ["nobody", "member"])
def test_event_of_somebody_who_goes_away_meanwhile_is_not_lost(becomes):
    """Erased: made anew. Merged: found under the new id. Never an error, never told as a duplicate."""
    guest, member = end_user("guest"), end_user("member")
    item("book")
    recorded = []

    def post():
        try:
            recorded.append(record(plain(user_id="guest")))
        finally:
            connection.close()

    with transaction.atomic():  # as erasing and merging do
        EndUser.objects.select_for_update().get(pk=guest.pk)
        guest.delete()
        if becomes == "member":
            Alias.objects.create(user_id="guest", end_user=member, created_at=NOW)
        thread = threading.Thread(target=post)
        thread.start()
        thread.join(timeout=0.3)  # it waits for what becomes of the guest
        was_waiting = thread.is_alive()
    thread.join(timeout=30)

    assert was_waiting
    assert [(r.accepted, r.duplicates, r.marked) for r in recorded] == [(1, 0, 1)]
    assert Interaction.objects.get().end_user.user_id == (
        "member" if becomes == "member" else "guest"
    )


@pytest.mark.django_db(transaction=True)
def test_kind_that_was_taken_away_is_unknown_at_once():
    stare = EventKind.objects.create(name="stare")
    record(plain("e1"))  # now it is remembered
    stare.delete()

    recorded = record(plain("e2", kind="stare"), plain("e3"))

    assert [(r.index, r.code) for r in recorded.rejected] == [(0, "kind_unknown")]
    assert recorded.accepted == 1


@pytest.mark.django_db
def test_no_table_is_read_from_end_to_end_however_small_it_is():
    """A session keeps its plans; one that reads a small table whole does so when it has grown."""
    before = scans()

    for n in range(8):  # plans are kept from the sixth time on
        record(plain(f"e{n}"), plain(f"i{n}", kind="impression", item_id=f"new {n}"))

    from_end_to_end, by_index = (now - then for now, then in zip(scans(), before, strict=True))
    assert (from_end_to_end, by_index > 0) == (0, True)


def scans() -> tuple[int, int]:
    """Return how often this session has read tables of events from end to end, and by an index.

    What tests before this one read may be among it.
    """
    tables = ["interests_interaction", "interests_impression", "interests_enduser", "interests_item", "interests_alias"]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_scan), sum(idx_scan) FROM pg_stat_xact_user_tables WHERE relname = ANY(%s)",
            [tables],
        )
        return cursor.fetchone()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", [1, 50])
def test_same_id_at_once_as_an_event_and_as_an_impression_is_stored_once(size):
    ids = [f"e{n}" for n in range(50)]
    accepted, errors = [], []
    together = threading.Barrier(4)

    def post(kind):
        try:
            for first in range(0, 50, size):
                together.wait(timeout=30)
                batch = [plain(one, kind=kind) for one in ids[first : first + size]]
                accepted.append(record(*batch).accepted)
        except Exception as error:  # noqa: BLE001  # shown by the assertion below
            errors.append(error)
        finally:
            connection.close()

    kinds = ("view", "impression", "view", "impression")
    threads = [threading.Thread(target=post, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    stored = [
        event_id
        for table in (Interaction, Impression)
        for event_id in table.objects.values_list("event_id", flat=True)
    ]
    assert errors == []
    assert sorted(stored) == sorted(ids)
    assert sum(accepted) == 50


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kinds", [("view", "impression"), ("impression", "view")])
@pytest.mark.parametrize("num_beside", [0, 20])
def test_id_of_an_event_that_is_not_committed_is_a_duplicate_as_the_other_kind(kinds, num_beside):
    """The second waits for the first, alone as well as in a batch of others."""
    found: list[int] = []

    def post() -> None:
        beside = [plain(f"beside{n}") for n in range(num_beside)]
        found.append(
            record(plain("same", kind=kinds[1], user_id="bob", item_id="film"), *beside).accepted
        )
        connection.close()

    with transaction.atomic():
        record(plain("same", kind=kinds[0]))
        thread = threading.Thread(target=post)
        thread.start()
        thread.join(timeout=0.3)
        was_waiting = thread.is_alive()
    thread.join(timeout=30)

    assert (was_waiting, found) == (True, [num_beside])
    assert Interaction.objects.filter(event_id="same").count() == (kinds[0] == "view")
    assert Impression.objects.filter(event_id="same").count() == (kinds[0] == "impression")


@pytest.mark.django_db(transaction=True)
def test_events_do_not_wait_for_one_another():
    accepted: list[int] = []

    def post() -> None:
        accepted.append(record(plain("second", user_id="bob", item_id="film")).accepted)
        connection.close()

    with transaction.atomic():
        record(*(plain(f"first{n}") for n in range(600)))  # of every lock
        thread = threading.Thread(target=post)
        thread.start()
        thread.join(timeout=30)
        was_answered = not thread.is_alive()
    thread.join()

    assert (was_answered, accepted) == (True, [1])
