from __future__ import annotations

import pytest

from interests.models import EndUser, RunState
from recommender.models import PublicationRun, Serving
from recommender.services import promoting, switching
from recsite.access import auditing
from recsite.access.models import AuditEntry
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def made(items, *, is_serving=False, **fields):
    """Make a publication of three people's lists."""
    publication = factories.publication(is_serving=is_serving, **fields)
    for name in ("ann", "bob", "cy"):
        person, _ = EndUser.objects.get_or_create(user_id=name, defaults={"created_at": NOW})
        factories.slate(publication, person, items)
    return publication


@pytest.fixture
def items():
    return [factories.item() for _ in range(6)]


@pytest.fixture
def serving(items):
    return made(items, is_serving=True)


def promote(publication, **fields):
    fields = {"by": "ada", "reason": "", "now": NOW, **fields}
    return promoting.promote(publication=publication, **fields)


def entries():
    rows = AuditEntry.objects.filter(table="recommender.publicationrun").order_by("pk")
    return [(row.object_key, row.action, row.actor, row.after) for row in rows]


def test_what_passes_the_gate_serves_and_the_audit_says_who(serving, items):
    candidate = made(items[::-1])

    with auditing.acting(auditing.Actor.ACCOUNT, "ada"):
        before = promote(candidate, reason="new colours")

    assert before == serving
    assert Serving.objects.get().publication == candidate
    after = {"by": "ada", "reason": "new colours", "before": serving.pk, "is_forced": False, "gate": []}  # fmt: skip
    assert entries() == [(str(candidate.pk), "promote", "ada", after)]
    candidate.refresh_from_db()
    assert candidate.results["gate"]["against"] == serving.pk


def test_a_closed_gate_refuses_with_its_reasons_and_nothing_changes(serving, items):
    candidate = made(items[:2])

    with pytest.raises(promoting.CannotPromote) as refused:
        promote(candidate)

    assert str(refused.value) == (
        f"Publication {candidate.pk} may not serve. Fewer than 50 % of the items: 2 different items in the top "
        "tens of 3 people, where what serves has 6. Somebody who knows better can force it: manage.py "
        f'promote {candidate.pk} --force "WHY".'
    )
    assert Serving.objects.get().publication == serving
    assert entries() == []


def test_who_forces_it_says_why_and_the_audit_keeps_what_the_gate_said(serving, items):
    candidate = made(items[:2])
    with pytest.raises(promoting.CannotPromote, match="Say why it is to serve"):
        promote(candidate, is_forced=True, reason=" ")

    promote(candidate, is_forced=True, reason="the archive is gone")

    assert Serving.objects.get().publication == candidate
    [(_, action, _, after)] = entries()
    assert (action, after["is_forced"], after["reason"]) == ("promote", True, "the archive is gone")
    assert after["gate"] == [
        "Fewer than 50 % of the items: 2 different items in the top tens of 3 people, where what serves has 6."
    ]


def test_what_serves_is_not_promoted_again(serving):
    with pytest.raises(promoting.CannotPromote, match="serves already"):
        promote(serving)


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.STARTED])
def test_what_is_not_done_or_has_no_slates_is_not_promoted(serving, state):
    unfinished = factories.publication(is_serving=False)
    with pytest.raises(switching.CannotSwitch, match="are gone. Publish its training again"):
        promote(unfinished)
    ended = {"finished_at": None} if state == RunState.STARTED else {}
    PublicationRun.objects.filter(pk=unfinished.pk).update(state=state, **ended)

    with pytest.raises(switching.CannotSwitch, match=f"is {state}; only one that is done"):
        promote(unfinished)


def test_what_is_held_says_so_until_it_is_promoted(serving, items):
    candidate = made(items)

    promoting.hold(publication=candidate, by="ada", reason=" wait for Monday ", now=NOW)

    held = (candidate.held_at, candidate.held_by, candidate.held_because)
    assert held == (NOW, "ada", "wait for Monday")
    promote(candidate)
    candidate.refresh_from_db()
    assert (candidate.held_at, candidate.held_by, candidate.held_because) == (None, "", "")
    assert [action for _, action, _, _ in entries()] == ["hold", "promote"]


def test_what_cannot_be_held_says_why(serving, items):
    failed = factories.publication(is_serving=False, state=RunState.FAILED)

    with pytest.raises(promoting.CannotHold, match="serves. Roll back first"):
        promoting.hold(publication=serving, by="ada", reason="why not", now=NOW)
    with pytest.raises(promoting.CannotHold, match="is failed: there is nothing to hold back"):
        promoting.hold(publication=failed, by="ada", reason="why not", now=NOW)
    with pytest.raises(promoting.CannotHold, match="Say why"):
        promoting.hold(publication=made(items), by="ada", reason=" ", now=NOW)
    assert entries() == []


def test_what_is_held_is_not_gone_back_to(items):
    first, second, third = (made(items) for _ in range(3))
    for publication in (first, second, third):
        switching.switch_to(publication=publication, by="ada", reason="", now=NOW)
    promoting.hold(publication=second, by="ada", reason="broken titles", now=NOW)

    back = switching.roll_back(by="ada", now=NOW)

    assert back == first
    assert entries()[-1][1:] == ("roll back", "", {"by": "ada", "before": third.pk})


def test_slates_of_what_somebody_holds_stay_and_of_the_gates_the_newest_two(items):
    held = made(items)
    promoting.hold(publication=held, by="ada", reason="wait", now=NOW)
    old, serving = made(items), made(items, is_serving=True)
    nightly = [made(items) for _ in range(3)]
    for publication in nightly:
        promoting.keep_back(publication, by="", reason="worse", now=NOW)

    cleared = switching.clear_away(now=NOW)

    # Nothing but what serves ever served, so the old one is not kept to go back to.
    assert cleared == [old.pk, nightly[0].pk]
    assert held.slates.exists() and serving.slates.exists() and nightly[1].slates.exists()
