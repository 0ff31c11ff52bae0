"""What curators do for one person in the admin: controls, merging, export, erasure."""

import html
import json

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from interests import tasks
from interests.models import Controls, EndUser, Interaction
from interests.services import controlling
from interests.services.controlling import Wishes
from recsite.access.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db


def signed_in(group):
    account = User.objects.create_user(group, password="x", is_staff=True)
    account.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(account)
    return client


@pytest.fixture
def curator():
    return signed_in("curator")


@pytest.fixture
def woken(monkeypatch):
    calls = []
    monkeypatch.setattr(tasks, "ask_for_refresh", lambda: calls.append(1))
    return calls


@pytest.fixture
def ada():
    ada, thing = factories.end_user("ada"), factories.item()
    for _ in range(2):
        factories.event(ada, thing)
    return ada


def address(person, name):
    return f"/admin/interests/enduser/{person.pk}/{name}/"


def text(response):
    return " ".join(html.unescape(response.content.decode()).split())


def said(messages_of):
    return [str(message) for message in messages_of.context["messages"]]


def controls(client, person, **fields):
    given = {"boosts": "", "forget_before": "", **fields}
    return client.post(address(person, "controls"), given, follow=True)


def test_controls_are_saved_shown_and_audited(
    curator, ada, woken, django_capture_on_commit_callbacks
):
    drama, comedy = factories.category("Drama"), factories.category("Comedy")

    with django_capture_on_commit_callbacks(execute=True):
        saved = controls(
            curator, ada, muted=["Drama"], boosts="Comedy = 2.5\n\n",
            forget_before="2026-03-04T12:00:00",
        )  # fmt: skip

    assert said(saved) == ["Controls of ada hold from the next answer on."]
    found = Controls.objects.get()
    assert (found.muted_category_ids, found.boosts, found.forget_before) == (
        [drama.pk], {str(comedy.pk): 2.5}, factories.NOW,
    )  # fmt: skip
    assert woken == [1]
    shown = text(curator.get(address(ada, "controls")))
    assert '<option value="Drama" selected>' in shown
    assert "Comedy = 2.5</textarea>" in shown
    entry = AuditEntry.objects.get(table="interests.controls")
    assert (entry.actor_kind, entry.actor, entry.action) == ("account", "curator", "insert")


def test_time_that_was_not_touched_stays_to_the_microsecond(curator, ada, woken):
    at = factories.NOW.replace(microsecond=5)
    controlling.put(user_id="ada", wishes=Wishes(forget_before=at), now=timezone.now())

    controls(curator, ada, forget_before="2026-03-04T12:00:00")

    assert Controls.objects.get().forget_before == at
    assert AuditEntry.objects.filter(table="interests.controls").count() == 1


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"boosts": "Drama"}, '"Drama" does not end in a number. Write: Comedy = 2'),
        ({"boosts": "Nothing = 2"}, 'There is no category "Nothing".'),
        ({"muted": ["Drama"], "boosts": "Drama = 2"}, '"Drama" is muted and boosted at once. Name it in one of the two.'),
        ({"boosts": "Drama = nan"}, 'The boost of "Drama" must lie between 0.01 and 100.'),
    ],
)  # fmt: skip
def test_controls_that_make_no_sense_are_said_to(curator, ada, fields, problem):
    factories.category("Drama")

    assert problem in text(controls(curator, ada, **fields))
    assert Controls.objects.count() == 0


def test_guest_is_merged_after_it_was_said_what_moves(curator, ada, woken):
    guest = factories.end_user("guest")
    factories.event(guest, factories.item())

    asked = text(curator.get(address(guest, "merge")))
    refused = text(curator.post(address(guest, "merge"), {"into": "guest"}))
    merged = curator.post(address(guest, "merge"), {"into": "ada"}, follow=True)

    assert "becomes the member's: 0 impressions and 1 event." in asked
    assert "The two ids mean the same end user already." in refused
    assert said(merged) == ["guest is ada now: 1 events and 0 impressions moved."]
    assert Interaction.objects.filter(end_user=ada).count() == 3
    assert "guest" in text(curator.get(f"/admin/interests/enduser/{ada.pk}/change/"))
    found = curator.get("/admin/interests/enduser/?q=gue")
    assert f"/admin/interests/enduser/{ada.pk}/change/" in text(found)


def test_export_is_a_file(curator, ada):
    response = curator.get(address(ada, "export"))

    assert response["Content-Disposition"] == f'attachment; filename="end-user-{ada.pk}.json"'
    assert len(json.loads(response.getvalue())["events"]) == 2


def test_person_is_erased_after_it_was_said_what_goes(curator, ada):
    asked = text(curator.get(address(ada, "erase")))
    assert EndUser.objects.count() == 1
    erased = curator.post(address(ada, "erase"), {"erase": "yes"}, follow=True)

    assert "<li>ada</li>" in asked
    assert "<li>2 events</li>" in asked
    assert said(erased) == ["1 end user erased, 2 events."]
    assert EndUser.objects.count() == 0


def test_several_are_erased_by_the_action_after_one_question(curator, ada):
    bob = factories.end_user("bob")
    factories.end_user("eve")
    chosen = {"action": "erase", "_selected_action": [ada.pk, bob.pk]}

    asked = curator.post("/admin/interests/enduser/", chosen)
    assert "2 end users is removed" in text(asked)
    assert EndUser.objects.count() == 3
    erased = curator.post("/admin/interests/enduser/", chosen | {"erase": "yes"}, follow=True)

    assert said(erased) == ["2 end users erased, 2 events."]
    assert list(EndUser.objects.values_list("user_id", flat=True)) == ["eve"]


def test_analysts_may_do_none_of_it_and_see_no_button(ada):
    analyst = signed_in("analyst")

    statuses = [
        analyst.get(address(ada, name)).status_code
        for name in ("controls", "merge", "export", "erase")
    ]

    assert statuses == [403] * 4
    shown = text(analyst.get(f"/admin/interests/enduser/{ada.pk}/change/"))
    assert f"/admin/interests/enduser/{ada.pk}/erase/" not in shown


def test_nobody_is_not_found(curator):
    assert curator.get("/admin/interests/enduser/1/controls/").status_code == 404


def test_audit_shows_who_what_and_the_difference_but_not_of_tables_one_may_not_see(curator, ada):
    factories.category("Drama")
    controls(curator, ada, muted=["Drama"])
    controls(curator, ada, is_opted_out="on")
    factories.api_key("runs:read")
    drama_key = Controls.objects.get()
    key = AuditEntry.objects.get(table="access.apikey")

    page = text(curator.get("/admin/access/auditentry/"))

    assert "<div>is_opted_out: false → true</div>" in page
    assert "<div>muted_category_ids: [" in page
    assert f'<a href="/admin/interests/enduser/{drama_key.pk}/change/">' in page
    assert page.count("field-who") == 2
    assert curator.get(f"/admin/access/auditentry/{key.pk}/change/").status_code == 302
    seen = text(signed_in("engineer").get("/admin/access/auditentry/?table=access.apikey"))
    assert "a command or a worker" in seen
    assert "digest" not in seen
