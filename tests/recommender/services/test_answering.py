from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import OperationalError

from interests.models import EndUser
from recommender.services import answering, asking
from recommender.services.asking import Asked, State
from recommender.services.previewing import CannotPreview
from tests import factories

NOW = 1_000_000.0

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    cache.clear()


def answered(service, monkeypatch: pytest.MonkeyPatch, **arguments: object) -> Asked | None:
    monkeypatch.setitem(answering.ANSWERS, "q", service)
    answering.answer(key="k", question="q", arguments=arguments, now=NOW)
    return asking.look("k", now=NOW)


def test_what_the_service_returns_is_kept(monkeypatch):
    found = answered(lambda number: {"twice": 2 * number}, monkeypatch, number=4)

    assert found == Asked("k", State.ANSWERED, answer={"twice": 8})


def test_a_message_that_comes_twice_is_worked_on_once(monkeypatch):
    calls = []

    for _ in range(2):
        answered(lambda: calls.append(1) or {}, monkeypatch)

    assert calls == [1]


def test_why_there_is_no_answer_is_told(monkeypatch):
    def refuse() -> dict:
        raise CannotPreview("Nothing serves yet.")

    assert answered(refuse, monkeypatch) == Asked("k", State.FAILED, reason="Nothing serves yet.")


def test_an_error_is_told_without_its_details(monkeypatch):
    def fail() -> dict:
        raise ValueError("secret")

    assert answered(fail, monkeypatch) == Asked(
        "k", State.FAILED, reason="A live worker failed at it. Its log says why: logs/live.log."
    )


def test_an_answer_cannot_write(monkeypatch):
    def write() -> dict:
        factories.end_user("ann")
        return {}

    found = answered(write, monkeypatch)

    assert found is not None and found.state == State.FAILED
    assert not EndUser.objects.exists()
    factories.end_user("bob")  # whoever comes after may write again


def test_without_the_database_the_message_is_tried_again(monkeypatch):
    def lose() -> dict:
        raise OperationalError("gone")

    with pytest.raises(OperationalError):
        answered(lose, monkeypatch)

    assert asking.look("k", now=NOW) is None
