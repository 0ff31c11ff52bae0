"""Every change of a tracked table is noted with who made it."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from interests.models import AlertRule, Controls, EventKind
from recommender.models import Placement
from recsite.access import auditing, services
from recsite.access.models import ApiKey, AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db


def entries(*names):
    return list(AuditEntry.objects.order_by("pk").values_list(*names))


@pytest.fixture(autouse=True)
def _start():
    EventKind.objects.get_or_create(name="view")
    AuditEntry.objects.all().delete()


def test_change_is_noted_with_the_columns_that_changed():
    before = timezone.now()
    EventKind.objects.filter(name="view").update(weight=2.0)
    kind = EventKind.objects.get(name="view")

    assert entries("table", "object_key", "object_name", "action", "before", "after") == [
        ("interests.eventkind", str(kind.pk), "view", "update", {"weight": 1}, {"weight": 2})
    ]
    assert abs((AuditEntry.objects.get().at - before).total_seconds()) < 60


def test_what_stays_as_it_was_is_not_noted():
    EventKind.objects.filter(name="view").update(weight=1.0)
    rule = factories.alert_rule()
    AuditEntry.objects.all().delete()

    AlertRule.objects.filter(pk=rule.pk).update(looked_at=timezone.now())

    assert AuditEntry.objects.count() == 0


def test_rows_made_and_removed_are_noted_whole():
    made = Placement.objects.create(name="home", created_at=factories.NOW)
    key = made.pk
    made.delete()

    assert [(action, (before or after)["name"]) for action, before, after in entries("action", "before", "after")] == [
        ("insert", "home"), ("delete", "home"),
    ]  # fmt: skip
    assert entries("object_key") == [(str(key),)] * 2


def test_nobody_acts_but_within():
    with auditing.acting("account", "ada: of sales"):
        EventKind.objects.filter(name="view").update(weight=2.0)
    EventKind.objects.filter(name="view").update(weight=3.0)

    assert entries("actor_kind", "actor") == [("account", "ada: of sales"), ("system", "")]


def test_what_a_failed_transaction_did_is_not_noted_and_nobody_acts_after_it():
    with pytest.raises(ZeroDivisionError), auditing.acting("account", "ada"):
        EventKind.objects.filter(name="view").update(weight=2.0)
        raise ZeroDivisionError
    EventKind.objects.filter(name="view").update(weight=3.0)

    assert entries("actor") == [("ada",), ("",)]


def test_key_is_noted_without_its_hash_or_its_last_use():
    key, text = services.make_key(
        name="shop", scopes=["runs:read"], created_by=None, now=factories.NOW
    )
    Client().get("/api/v1/runs", headers={"Authorization": f"Bearer {text}"})
    services.revoke(key=key, now=factories.NOW)

    assert ApiKey.objects.get().last_used_at is not None
    assert entries("action", "object_name") == [("insert", "shop"), ("update", "shop")]
    made, revoked = AuditEntry.objects.order_by("pk")
    assert set(made.after) & {"digest", "last_used_at"} == set()
    assert (revoked.before, set(revoked.after)) == ({"revoked_at": None}, {"revoked_at"})


def test_program_is_noted_by_its_key_and_an_account_by_its_name():
    text = factories.api_key("users:write")
    AuditEntry.objects.all().delete()
    Client().put(
        "/api/v1/users/ada/controls", json.dumps({"is_opted_out": True}), "application/json",
        headers={"Authorization": f"Bearer {text}"},
    )  # fmt: skip
    root = User.objects.create_superuser("root", password="x")
    browser = Client()
    browser.force_login(root)
    kind = EventKind.objects.get(name="view")
    browser.post(
        f"/admin/interests/eventkind/{kind.pk}/change/",
        {"name": "view", "weight": "0.5", "outcome": ""},
    )

    assert entries("actor_kind", "actor", "table", "action") == [
        ("key", "test", "interests.controls", "insert"),
        ("account", "root", "interests.eventkind", "update"),
    ]
    assert AuditEntry.objects.filter(table="interests.controls").get().object_key == str(
        Controls.objects.get().pk
    )


def test_refused_request_leaves_nobody_acting():
    text = factories.api_key("users:write")
    AuditEntry.objects.all().delete()
    Client().put(
        "/api/v1/users/ada/controls", "{", "application/json",
        headers={"Authorization": f"Bearer {text}"},
    )  # fmt: skip
    EventKind.objects.filter(name="view").update(weight=3.0)

    assert entries("actor_kind", "actor") == [("system", "")]


def test_deed_is_noted_as_what_it_is():
    with auditing.acting("key", "shop"):
        auditing.note(table="interests.enduser", object_key=7, action="erase", after={"events": 3})

    assert entries("actor", "table", "object_key", "action", "before", "after") == [
        ("shop", "interests.enduser", "7", "erase", None, {"events": 3})
    ]
