"""What a person has asked for, on their page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from interests.models import Alias, EndUser
from interests.services import controlling
from interests.services.controlling import Wishes
from tests import factories
from tests.recommender.views import pages

pytestmark = pytest.mark.django_db


def shown(client: Client, person: EndUser) -> str:
    page = pages.text(client.get(f"/end-users/{person.pk}"))
    begin = page.index("What has this person asked for?")
    return page[begin : page.index("What is recommended now?")]


def test_nothing_said_is_said(analyst: Client) -> None:
    found = shown(analyst, factories.end_user("ann"))

    assert found.split("?", 1)[1].strip() == "Nothing: recommendations follow all events."


def test_everything_said_is_shown_with_the_ids_of_the_guest(analyst: Client) -> None:
    for name in ("Drama", "Comedy", "Horror"):
        factories.category(name)
    person, now = factories.end_user("ann"), timezone.now()
    Alias.objects.create(user_id="guest-1", end_user=person, created_at=now)
    controlling.put(
        user_id="ann",
        wishes=Wishes(
            muted=["Horror"], boosts={"Comedy": 2.5, "Drama": 0.5},
            forget_before=now - timedelta(days=3),
        ),
        now=now,
    )  # fmt: skip

    found = " ".join(shown(analyst, person).split())

    assert "Never show Horror Show more Comedy × 2.5 Show less Drama × 0.5" in found
    assert "Forgotten what was before 3 days ago Was a guest as guest-1" in found
    assert "Change controls" not in found


def test_who_opted_out_is_told_apart_from_who_has_no_list_yet(analyst: Client) -> None:
    person = factories.end_user("ann")
    controlling.put(user_id="ann", wishes=Wishes(is_opted_out=True), now=timezone.now())

    page = pages.text(analyst.get(f"/end-users/{person.pk}"))

    assert "This person has opted out of a list of their own." in page
    assert "Events are stored, and nothing is worked out of them." in page
    assert "No list of their own yet" not in page


def test_who_may_change_controls_is_led_there(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root", password="x"))
    person = factories.end_user("ann")

    page = client.get(f"/end-users/{person.pk}").content.decode()

    assert f'<a href="/admin/interests/enduser/{person.pk}/controls/">Change controls</a>' in page
