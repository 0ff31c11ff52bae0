from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from interests.models import DriftEvent, DriftMark
from interests.services import drift_marks
from tests import factories
from tests.factories import NOW
from tests.interests import changes

pytestmark = pytest.mark.django_db


@pytest.fixture
def event():
    return changes.drift_event(
        factories.end_user("ada"), factories.category(), factories.category()
    )


def mark(event, verdict, **options):
    options = {"made_by": None, "now": NOW, **options}
    return drift_marks.mark(drift_event_id=event.pk, verdict=verdict, **options)


def test_the_last_word_counts_and_outlives_a_new_run(event):
    eve = User.objects.create_user("eve")
    mark(event, "wrong")
    mark(event, "explained", note="  Halloween ", made_by=eve, now=NOW + timedelta(days=1))
    event.delete()

    (found,) = DriftMark.objects.all()

    assert (found.end_user.user_id, found.detected_at, found.begin_at) == (
        "ada",
        event.detected_at,
        event.begin_at,
    )
    assert (found.verdict, found.note, found.made_by) == ("explained", "Halloween", eve)
    assert found.made_at == NOW + timedelta(days=1)


def test_a_mark_can_be_taken_back(event):
    mark(event, "right")

    assert drift_marks.unmark(drift_event_id=event.pk) is True
    assert drift_marks.unmark(drift_event_id=event.pk) is False
    assert DriftMark.objects.count() == 0


@pytest.mark.parametrize(
    ("verdict", "note", "reason"),
    [
        ("maybe", "", "Say one of right, wrong, explained, not 'maybe'."),
        ("explained", " ", "Say in the note what explains the change: a campaign, a holiday, ..."),
        ("wrong", "x" * 501, "A note may have 500 characters at most, not 501."),
        ("wrong", "a\0b", "The note holds a character that cannot be stored (NUL)."),
    ],
)
def test_what_cannot_be_marked_is_told_why(event, verdict, note, reason):
    with pytest.raises(drift_marks.CannotMark) as error:
        mark(event, verdict, note=note)

    assert str(error.value) == reason
    assert DriftMark.objects.count() == 0


def test_there_must_be_such_a_drift_event():
    with pytest.raises(DriftEvent.DoesNotExist):
        drift_marks.mark(drift_event_id=12345, verdict="right", made_by=None, now=NOW)
    with pytest.raises(DriftEvent.DoesNotExist):
        drift_marks.unmark(drift_event_id=12345)
