"""Who comes first in the live worker's line, and when there is time to explain slates."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interests.models import ChangeMark, EndUser
from recommender.models import Slate
from recommender.services import asking_now, reasoning, refreshing
from tests.factories import NOW
from tests.recommender.services.test_publishing import published

LATER = NOW + timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    monkeypatch.setattr(refreshing, "memory", refreshing.Memory())


@pytest.fixture
def asking(monkeypatch):
    """Let these be who asks now, and who asks why."""

    def told(*keys, why=()):
        monkeypatch.setattr(asking_now, "asking", lambda now: list(keys))
        monkeypatch.setattr(asking_now, "wanting_reasons", lambda now: list(why))

    told()
    return told


@pytest.fixture
def explained(monkeypatch):
    """Return whose slates were explained, call by call."""
    calls: list[list[int]] = []
    explain = reasoning.explain
    monkeypatch.setattr(
        reasoning, "explain", lambda keys, **more: calls.append(list(keys)) or explain(keys, **more)
    )
    return calls


def keys_of(*numbers):
    return [EndUser.objects.get(user_id=f"user {number}").pk for number in numbers]


def mark(keys):
    for minutes, key in enumerate(keys):
        ChangeMark.objects.create(end_user_id=key, marked_at=LATER + timedelta(minutes=minutes))


def test_who_is_asking_now_comes_before_who_was_marked_longer_ago(training, asking):
    published(training)
    first, second, third = keys_of(1, 2, 3)
    mark([first, second, third])
    asking(third)

    num = refreshing.refresh_marked(limit=2, now=LATER)

    assert (num, list(ChangeMark.objects.values_list("end_user", flat=True))) == (2, [second])


def test_new_slates_have_no_reasons_until_it_is_quiet(training, asking, explained):
    published(training)
    keys = keys_of(1, 2)
    mark(keys)
    refreshing.refresh_marked(limit=9, now=LATER)
    before = Slate.objects.filter(end_user__in=keys, reasons__isnull=True).count()

    busy = refreshing.explain_some(now=LATER, is_idle=False)
    quiet = refreshing.explain_some(now=LATER, is_idle=True)
    again = refreshing.explain_some(now=LATER, is_idle=True)

    assert (before, busy, quiet, again) == (2, 0, 2, 0)
    assert [set(call) for call in explained] == [set(keys)]
    assert Slate.objects.filter(end_user__in=keys, reasons__isnull=True).count() == 0


def test_who_asked_why_is_told_even_while_others_wait(training, asking, explained):
    published(training)
    asker, other = keys_of(5, 6)
    mark([other])
    refreshing.refresh_marked(limit=9, now=LATER)
    asking(asker, why=[asker])

    num = refreshing.explain_some(now=LATER, is_idle=False)

    assert (num, explained) == (1, [[asker]])


def test_a_few_are_explained_at_a_time_the_latest_first(training, asking, explained, monkeypatch):
    monkeypatch.setattr(refreshing, "EXPLAINED_AT_ONCE", 2)
    published(training)
    one, two, three = keys_of(1, 2, 3)
    refreshing.memory.note_renewed([one, two])
    refreshing.memory.note_renewed([three, one])

    for _ in range(2):
        refreshing.explain_some(now=LATER, is_idle=True)

    assert explained == [[one, three], [two]]
    assert refreshing.memory.to_explain == {}


def test_slates_that_cannot_be_explained_are_left_without_reasons(training, asking, monkeypatch):
    published(training)
    refreshing.memory.note_renewed(keys_of(1))

    def fail(*_, **__):
        raise ValueError("poison")

    monkeypatch.setattr(reasoning, "explain", fail)

    assert refreshing.explain_some(now=LATER, is_idle=True) == 0
    assert refreshing.memory.to_explain == {}


def test_nothing_is_explained_while_nothing_serves(population, asking):
    assert refreshing.explain_some(now=LATER, is_idle=True) == 0
