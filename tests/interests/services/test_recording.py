"""Events are stored once, with what they name, or rejected with a reason; nobody is forgotten."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from interests.models import ChangeMark, EndUser, EventKind, Interaction, Item
from interests.services import reading_events, recording
from interests.services.recording import Rejection
from tests.factories import NOW, end_user, item

KINDS = "click, dislike, like, purchase, rating, view"
ALL_KINDS = "click, dislike, dwell, impression, like, purchase, rating, view"


@pytest.fixture(autouse=True)
def kinds(request):
    """Put back the kinds where a transactional test has emptied all tables."""
    is_transactional = request.node.get_closest_marker("django_db").kwargs.get("transaction")
    request.getfixturevalue("transactional_db" if is_transactional else "db")
    for name in KINDS.split(", "):
        EventKind.objects.get_or_create(name=name)


def plain(event_id="e1", **fields):
    return {"event_id": event_id, "user_id": "ada", "item_id": "book", "kind": "view", **fields}


def record(*events, now=NOW):
    return recording.record_events(events=events, now=now)


@pytest.mark.django_db
def test_event_is_stored_with_all_it_says():
    recorded = record(
        plain(
            kind="rating",
            value=4.5,
            occurred_at="2026-03-04T10:30:00+02:00",
            session_id="s",
            recommendation_id="r",
        )
    )

    stored = Interaction.objects.select_related("end_user", "item", "kind").get()
    assert (recorded.accepted, recorded.duplicates, recorded.rejected) == (1, 0, [])
    assert (stored.event_id, stored.end_user.user_id, stored.item.item_id) == ("e1", "ada", "book")
    assert (stored.kind.name, stored.value) == ("rating", 4.5)
    assert stored.occurred_at == datetime(2026, 3, 4, 8, 30, tzinfo=UTC)
    assert (stored.received_at, stored.session_id, stored.recommendation_id) == (NOW, "s", "r")
    assert stored.is_time_doubtful is False


@pytest.mark.django_db
def test_unknown_item_is_made_undescribed_and_known_rows_are_used():
    ada, emma = end_user("ada"), item("emma")

    record(plain("e1", item_id="emma"), plain("e2"))

    assert list(EndUser.objects.all()) == [ada]
    assert list(Item.objects.order_by("item_id").values_list("item_id", "is_described")) == [
        ("book", False),
        ("emma", True),
    ]
    assert Interaction.objects.filter(end_user=ada, item=emma).count() == 1


@pytest.mark.django_db
def test_same_event_id_counts_once_within_a_batch_and_between_batches():
    first = record(plain("e1"), plain("e1", item_id="other"), plain("e2"))
    second = record(plain("e2"), plain("e3"))

    assert (first.accepted, first.duplicates) == (2, 1)
    assert (second.accepted, second.duplicates) == (1, 1)
    assert list(
        Interaction.objects.order_by("event_id").values_list("event_id", "item__item_id")
    ) == [("e1", "book"), ("e2", "book"), ("e3", "book")]


@pytest.mark.django_db
def test_each_batch_with_something_new_raises_the_marks_generation_and_keeps_its_time():
    later = NOW + timedelta(minutes=1)

    record(plain("e1"), plain("e2"), plain("e3", user_id="bob"))
    record(plain("e4"), now=later)
    record(plain("e1"), plain("e3", user_id="bob"), now=later)

    marks = ChangeMark.objects.order_by("end_user__user_id")
    assert list(marks.values_list("end_user__user_id", "generation", "marked_at")) == [
        ("ada", 2, NOW),
        ("bob", 1, NOW),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("occurred_at", "stored", "is_doubtful"),
    [
        (None, NOW, False),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC), True),
        ("1989-12-31T23:59:59Z", datetime(1989, 12, 31, 23, 59, 59, tzinfo=UTC), True),
        ("1990-01-01", datetime(1990, 1, 1, tzinfo=UTC), False),
        ("2026-03-05T12:00:00Z", NOW + timedelta(hours=24), False),
        ("2026-03-05T13:00:00Z", NOW + timedelta(hours=25), True),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), True),
        ("9999-12-31T23:59:59-10:00", reading_events.LAST_MOMENT, True),
        ("0001-01-01T00:00:00+10:00", reading_events.FIRST_MOMENT, True),
    ],
)
def test_time_is_kept_and_flagged_where_it_is_doubtful(occurred_at, stored, is_doubtful):
    recorded = record(plain(occurred_at=occurred_at))

    assert recorded.accepted == 1
    assert list(Interaction.objects.values_list("occurred_at", "is_time_doubtful")) == [
        (stored, is_doubtful)
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"event_id": None}, "event_id_missing"),
        ({"event_id": ""}, "event_id_missing"),
        ({"user_id": ["ada"]}, "user_id_invalid"),
        ({"user_id": True}, "user_id_invalid"),
        ({"item_id": "x" * 513}, "item_id_too_long"),
        ({"item_id": "a\0b"}, "item_id_invalid"),
        ({"user_id": "\ud83d"}, "user_id_invalid"),
        ({"value": "4"}, "value_invalid"),
        ({"value": True}, "value_invalid"),
        ({"value": 1e400}, "value_out_of_range"),
        ({"value": -1.1e9}, "value_out_of_range"),
        ({"value": 10**400}, "value_out_of_range"),
        ({"occurred_at": "yesterday"}, "occurred_at_invalid"),
        ({"occurred_at": 1_700_000_000}, "occurred_at_invalid"),
        ({"occurred_at": "2026-13-01T00:00:00Z"}, "occurred_at_invalid"),
        ({"session_id": {"a": 1}}, "session_id_invalid"),
    ],
)
def test_event_that_cannot_be_stored_is_rejected_alone(fields, code):
    recorded = record(plain("good"), plain("bad") | fields, plain("good too"))

    assert (recorded.accepted, recorded.duplicates) == (2, 0)
    assert [(r.index, r.code) for r in recorded.rejected] == [(1, code)]
    assert set(Interaction.objects.values_list("event_id", flat=True)) == {"good", "good too"}


@pytest.mark.django_db
def test_unknown_kind_is_told_which_kinds_there_are():
    recorded = record(plain(kind="stare"), "no object")

    assert recorded.rejected == [
        Rejection(0, "kind_unknown", f'There is no kind "stare". Kinds are: {ALL_KINDS}.'),
        Rejection(1, "not_an_object", "An event is an object with event_id, user_id, ..."),
    ]
    assert (EndUser.objects.count(), Item.objects.count(), ChangeMark.objects.count()) == (0, 0, 0)


@pytest.mark.django_db
def test_ids_may_be_numbers_emoji_and_long():
    strange = ["a/b c", "🦉 %2F?&#", "ü" * 500, "line\nbreak", "'; DROP TABLE x; --", '{a,"b\\']

    recorded = record(
        *[plain(f"e{n}", user_id=text, item_id=text) for n, text in enumerate(strange)],
        plain(7, user_id=17, item_id=4),
    )

    assert recorded.accepted == 7
    assert set(EndUser.objects.values_list("user_id", flat=True)) == {*strange, "17"}
    assert set(Item.objects.values_list("item_id", flat=True)) == {*strange, "4"}


@pytest.mark.django_db
def test_a_thousand_events_take_as_many_statements_as_one(django_assert_num_queries):
    with django_assert_num_queries(4):  # kinds; all the rest between a savepoint's begin and end
        record(plain("first"))
    with django_assert_num_queries(3):  # the kinds are known for a while
        recorded = record(*[plain(f"e{n}", item_id=f"i{n}") for n in range(1_000)])

    assert recorded.accepted == 1_000


@pytest.mark.django_db
def test_more_than_a_thousand_events_are_refused_whole():
    with pytest.raises(recording.TooManyEvents, match="1,001 events are too many"):
        record(*[plain(f"e{n}") for n in range(1_001)])

    assert Interaction.objects.count() == 0


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_same_batch_from_eight_threads_ten_times_is_stored_once():
    """Fault 4: rows = distinct event ids; nobody waits in a circle."""
    events = [plain(f"e{n}", user_id=f"u{n % 17}", item_id=f"i{n % 23}") for n in range(200)]
    outcomes, errors = [], []

    def post(turn):
        try:
            for n in range(10):
                mixed = events[(turn * 31 + n) % 200 :] + events[: (turn * 31 + n) % 200]
                outcomes.append(recording.record_events(events=mixed, now=NOW))
        except Exception as error:  # noqa: BLE001  # shown by the assertion below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=(turn,)) for turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert Interaction.objects.count() == 200
    assert sum(outcome.accepted for outcome in outcomes) == 200
    assert sum(outcome.duplicates for outcome in outcomes) == 80 * 200 - 200
    assert (EndUser.objects.count(), Item.objects.count()) == (17, 23)
    assert ChangeMark.objects.count() == 17


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("event_id", "user_id", "item_id", "kind", "value", "occurred_at", "session_id")


@pytest.mark.django_db
@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.fixed_dictionaries({}, optional={name: anything for name in FIELDS}), max_size=4)
)
def test_nothing_that_is_sent_breaks_it(changes):
    events = [plain(f"e{n}") | change for n, change in enumerate(changes)]

    recorded = record(*events)

    assert recorded.accepted + recorded.duplicates + len(recorded.rejected) == len(events)


@pytest.mark.django_db(transaction=True)
def test_whoever_names_what_an_unfinished_import_holds_is_soon_told_to_try_again():
    refused: list[str] = []

    def post() -> None:
        try:
            record(plain())
        except OperationalError as error:
            refused.append(str(error))
        finally:
            connection.close()

    with transaction.atomic():  # as an import does, which has not ended
        item("book")
        thread = threading.Thread(target=post)
        thread.start()
        thread.join(timeout=30)
        is_answered = not thread.is_alive()
    thread.join()

    assert (is_answered, len(refused), Interaction.objects.count()) == (True, 1, 0)
    assert record(plain()).accepted == 1
