from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from interests.models import Category, TrackingRun
from tests import factories
from tests.interests import changes


@pytest.mark.django_db
def test_deleting_a_category_names_how_many_items_lose_it() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.org", "a long password"))
    category = factories.category("Drama")
    for _ in range(3):
        factories.item(categories=(category,))
    address = f"/admin/interests/category/{category.pk}/delete/"

    asked = client.get(address).content.decode()
    client.post(address, {"post": "yes"})

    assert "Drama, which 3 items lose" in asked
    assert "relationship" not in asked
    assert not Category.objects.exists()


@pytest.mark.django_db
def test_a_merge_sends_the_tracking_that_follows_it(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[int] = []
    monkeypatch.setattr("interests.tasks.enqueue_run", lambda run: sent.append(run.pk))
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.org", "a long password"))
    comedy, farce = factories.category("Comedy"), factories.category("Farce")
    factories.item(categories=(farce,))
    changes.tracking_run()

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(
            "/admin/interests/category/",
            {"action": "merge", "_selected_action": [comedy.pk, farce.pk], "into": comedy.pk},
            follow=True,
        )

    run = TrackingRun.objects.get(state="waiting")
    assert (sent, run.requested_by) == ([run.pk], User.objects.get())
    (message,) = answer.context["messages"]
    assert str(message) == (
        "Merged 1 into Comedy: 1 items moved. Interest states and drift events keep what was known; "
        f"tracking {run.pk} replays everybody with the merged category."
    )


@pytest.mark.django_db
def test_drift_events_are_shown_in_words_and_found_by_the_person() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.org", "a long password"))
    event = changes.drift_event(
        factories.end_user("ada"), factories.category("Horror"), factories.category("Crime")
    )
    changes.drift_event(factories.end_user("bob"), factories.category(), factories.category())

    shown = client.get(f"/admin/interests/driftevent/{event.pk}/change/").content.decode()
    found = client.get("/admin/interests/driftevent/", {"q": "ada"}).context["cl"].result_list

    assert re.findall("Horror|Crime", shown) == ["Crime", "Horror"]
    assert list(found) == [event]
