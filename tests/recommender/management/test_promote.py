from __future__ import annotations

import getpass
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from interests.models import EndUser, Item
from recommender.models import Serving
from recsite.access.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db


def made(num_items, *, is_serving=False):
    publication = factories.publication(is_serving=is_serving)
    items = [
        Item.objects.filter(item_id=f"i{n}").first() or factories.item(f"i{n}")
        for n in range(num_items)
    ]
    person = EndUser.objects.filter(user_id="ann").first() or factories.end_user("ann")
    factories.slate(publication, person, items)
    return publication


def call(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_promote_lets_it_serve_and_says_how_to_go_back():
    serving, candidate = made(4, is_serving=True), made(4)

    said = call("promote", str(candidate.pk))

    assert Serving.objects.get().publication == candidate
    assert said == (
        f"publication {candidate.pk} of {candidate.training_run} serves now instead of "
        f"publication {serving.pk}. Back: manage.py rollback.\n"
    )
    entry = AuditEntry.objects.get(action="promote")
    assert (entry.actor_kind, entry.actor) == ("system", f"{getpass.getuser()} (command)")


def test_after_an_older_one_was_promoted_rollback_is_back_to_what_it_replaced():
    runs = [made(4) for _ in range(3)]
    for run in (*runs, runs[1]):
        call("promote", str(run.pk))

    call("rollback")

    assert Serving.objects.get().publication == runs[2]


def test_a_closed_gate_ends_the_command_and_force_does_not():
    made(4, is_serving=True)
    candidate = made(1)

    with pytest.raises(CommandError, match=r"may not serve\. Fewer than 50 % of the items"):
        call("promote", str(candidate.pk))
    with pytest.raises(CommandError, match="Say why"):
        call("promote", str(candidate.pk), "--force", "")
    call("promote", str(candidate.pk), "--force", "one film only")

    assert Serving.objects.get().publication == candidate
    assert AuditEntry.objects.get(action="promote").after["reason"] == "one film only"


def test_hold_keeps_it_until_it_is_promoted():
    serving, candidate = made(4, is_serving=True), made(4)

    said = call("hold", str(candidate.pk), "--reason", "wait for Monday")

    candidate.refresh_from_db()
    assert candidate.held_because == "wait for Monday"
    assert said == (
        f"publication {candidate.pk} is held and will not serve. Let it: manage.py promote {candidate.pk}.\n"
    )
    with pytest.raises(CommandError, match="serves. Roll back first"):
        call("hold", str(serving.pk), "--reason", "no")


def test_a_publication_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(CommandError, match=r"^There is no publication 7\. The newest are: none\.$"):
        call("promote", "7")
    made(1)

    with pytest.raises(CommandError, match=r"The newest are: \d+\.$"):
        call("hold", "1000000", "--reason", "no")
