from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from interests.models import EndUser, Item
from recommender.models import PublicationRun, Serving
from recommender.services import promoting
from recsite.access.models import AuditEntry
from tests import factories
from tests.factories import NOW
from tests.recommender.views import pages


@pytest.fixture
def items() -> list[Item]:
    return [factories.item(title=f"Film {number}") for number in range(6)]


def made(items: list[Item], **fields: Any) -> PublicationRun:
    publication = factories.publication(**fields)
    for name in ("ann", "bob"):
        person, _ = EndUser.objects.get_or_create(user_id=name, defaults={"created_at": NOW})
        factories.slate(publication, person, items)
    return publication


def address(publication: PublicationRun, deed: str = "promote") -> str:
    return f"/runs/publication/{publication.pk}/{deed}"


def test_the_gate_and_what_would_change_are_shown_before_the_click(
    engineer: Client, items: list[Item]
) -> None:
    made(items)
    candidate = made([*items[1:], factories.item(title="New film")], is_serving=False)

    response = engineer.get(address(candidate))

    said = pages.text(response)
    assert "the gate is open" in said
    assert "6 different items in the top tens of 2 people, where what serves has 6." in said
    assert "1.0 of ten items are new on average, over 2 people drawn by chance with both lists" in said  # fmt: skip
    steps, people, entering, leaving = (pages.table(response, place)[1:] for place in range(4))
    assert [[row[0], *row[2:]] for row in steps] == [["1", "2", "100.0 %"]]
    assert people == [["ann", "1"], ["bob", "1"]]
    assert entering == [["New film", "+2"]]
    assert leaving == [["Film 0", "−2"]]


def test_a_click_lets_it_serve(engineer: Client, items: list[Item]) -> None:
    made(items)
    candidate = made(items, is_serving=False)

    response = engineer.post(address(candidate), {"reason": ""}, follow=True)

    assert f"Publication {candidate.pk} serves now." in pages.text(response)
    assert Serving.objects.get().publication == candidate
    entry = AuditEntry.objects.get(action="promote")
    assert (entry.actor_kind, entry.actor) == ("account", "engineer")


def test_a_closed_gate_refuses_and_can_be_forced_with_a_reason(
    engineer: Client, items: list[Item]
) -> None:
    serving = made(items)
    candidate = made(items[:1], is_serving=False)

    shown = pages.text(engineer.get(address(candidate)))
    refused = engineer.post(address(candidate), {"reason": "because"}, follow=True)
    unexplained = engineer.post(address(candidate), {"force": "1", "reason": " "}, follow=True)

    assert "the gate is closed" in shown and "Coverage: not met" in shown
    assert "may not serve. Fewer than 50 % of the items" in pages.text(refused)
    assert "Say why it is to serve although the gate is closed." in pages.text(unexplained)
    assert Serving.objects.get().publication == serving
    engineer.post(address(candidate), {"force": "1", "reason": "one film only"})
    assert Serving.objects.get().publication == candidate


def test_holding_needs_a_reason_and_shows_it_everywhere(
    engineer: Client, items: list[Item]
) -> None:
    made(items)
    candidate = made(items, is_serving=False)

    unexplained = engineer.post(address(candidate, "hold"), {"reason": ""}, follow=True)
    assert "Say why it is to be held" in pages.text(unexplained)
    response = engineer.post(address(candidate, "hold"), {"reason": "wait for Monday"}, follow=True)

    assert f"Publication {candidate.pk} is held and will not serve." in pages.text(response)
    assert "by engineer: wait for Monday" in pages.text(response)
    [row] = [row for row in pages.table(engineer.get("/runs"))[1:] if row[0] == f"Publication {candidate.pk}"]  # fmt: skip
    assert row[2] == "held wait for Monday"
    assert "by engineer: wait for Monday" in pages.text(engineer.get(address(candidate)))


def test_what_the_gate_holds_is_a_warning_on_the_overview(
    analyst: Client, items: list[Item]
) -> None:
    serving = made(items)
    candidate = made(items[:1], is_serving=False)
    promoting.keep_back(candidate, by="", reason="Fewer items.", now=NOW)

    said = pages.text(analyst.get("/"))

    assert f"Publication {candidate.pk} is held; publication {serving.pk} goes on serving" in said
    assert "Fewer items. Look at what would change, then promote it or train anew." in said
    promoting.keep_back(candidate, by="ada", reason="wait", now=NOW)
    assert "goes on serving" not in pages.text(analyst.get("/"))


def test_what_cannot_be_promoted_says_why(engineer: Client, items: list[Item]) -> None:
    serving = made(items)
    cleared = factories.publication(is_serving=False)
    waiting = PublicationRun.objects.create(training_run=serving.training_run, requested_at=NOW)

    assert "It serves already" in pages.text(engineer.get(address(serving)))
    assert "Its recommendations are gone" in pages.text(engineer.get(address(cleared)))
    assert "It is waiting" in pages.text(engineer.get(address(waiting)))
    assert engineer.get("/runs/publication/1000000/promote").status_code == 404


def test_the_first_of_all_has_nothing_to_be_held_against(
    engineer: Client, items: list[Item]
) -> None:
    candidate = made(items, is_serving=False)

    said = pages.text(engineer.get(address(candidate)))

    assert "Nothing serves yet: everybody is answered with popular items" in said
    assert "There is nothing to compare with." in said


def test_analysts_look_and_do_not_touch(analyst: Client, items: list[Item]) -> None:
    candidate = made(items, is_serving=False)

    assert analyst.get(address(candidate)).status_code == 403
    assert analyst.post(address(candidate, "hold"), {"reason": "no"}).status_code == 403
    page = analyst.get(f"/runs/publication/{candidate.pk}").content.decode()
    assert "May it serve?" in page
    assert "Promote…" not in page and "hold-reason" not in page
    assert not Serving.objects.exists()
