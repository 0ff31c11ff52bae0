"""Somebody new does a few things of one category: the next answers move towards it, and say because of what."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from interests.learning import checkpoints, trainer
from interests.learning.config import TrainingConfig
from interests.models import EndUser, TrainingRun
from interests.selectors import events
from recommender.models import PublicationRun
from recommender.services import counting, refreshing
from tests import factories
from tests.recommender.services.test_publishing import published

NAMES = ("Sea stories", "Bread", "Trains")
ITEMS_OF_EACH = 20
N = 10  # of an answer


@pytest.fixture
def headers(db: None) -> dict[str, str]:
    return {"Authorization": f"Bearer {factories.api_key()}"}


@pytest.fixture
def serving(db: None, monkeypatch: pytest.MonkeyPatch) -> PublicationRun:
    """Publish a network that was trained on people who keep to one of three categories each."""
    monkeypatch.setattr(refreshing, "memory", refreshing.Memory())
    random = np.random.default_rng(0)
    things = [
        [factories.item(f"{name} {n}", categories=(category,)) for n in range(ITEMS_OF_EACH)]
        for name in NAMES
        for category in [factories.category(name)]
    ]
    start = timezone.now() - timedelta(days=20)
    for number in range(60):
        person = factories.end_user(f"user {number}")
        for step, place in enumerate(random.permutation(ITEMS_OF_EACH)[:8]):
            at = start + timedelta(days=step, minutes=number)
            thing = things[number % len(NAMES)][place]
            factories.event(person, thing, occurred_at=at, received_at=at)
    run = factories.training_run()
    config = TrainingConfig(
        width=16, num_blocks=1, num_heads=1, max_length=16, max_epochs=25, patience=25,
        warmup_steps=5, tokens_per_batch=128, learning_rate=0.01,
    )  # fmt: skip
    trained = trainer.fit(events.interaction_log().log, config=config)
    folder = Path("networks") / str(run.pk)
    (settings.RECSITE_HOME / folder).mkdir(parents=True, exist_ok=True)
    run.weights_sha256 = checkpoints.save(trained, settings.RECSITE_HOME / folder)
    run.weights_path = str(folder)
    run.save(update_fields=["weights_path", "weights_sha256"])
    counting.count_popular_items(now=timezone.now())
    return published(TrainingRun.objects.get(pk=run.pk))


def post(item_id: str, headers: dict[str, str]) -> None:
    """Send an event through the API and let the live worker see it."""
    body = {
        "events": [
            {"event_id": f"e {item_id}", "user_id": "newcomer", "item_id": item_id, "kind": "like"}
        ]
    }
    answer = Client().post("/api/v1/events", body, "application/json", headers=headers)
    assert answer.json()["accepted"] == 1
    assert refreshing.refresh_marked(limit=100, now=timezone.now()) == 1


def answered(headers: dict[str, str], **query: str) -> list[dict[str, Any]]:
    path = "/api/v1/users/newcomer/recommendations"
    answer = Client().get(path, {"n": N, **query}, headers=headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def share(items: list[dict[str, Any]], category: str) -> float:
    return sum(item["item_id"].startswith(category) for item in items) / len(items)


def explain() -> None:
    """Let the live worker explain what it has renewed."""
    assert refreshing.explain_some(now=timezone.now(), is_idle=True) == 1


@pytest.mark.parametrize("category", NAMES)
def test_answers_move_towards_what_somebody_new_does_and_say_so(serving, headers, category):
    shares = [share(answered(headers), category)]

    done = [f"{category} {n}" for n in (0, 7, 13)]
    for item_id in done:
        post(item_id, headers)
        shares.append(share(answered(headers), category))

    assert shares[0] < 0.8
    assert shares[3] == max(shares)
    assert shares[3] >= shares[0] + 0.2
    explain()
    of_category = [
        item for item in answered(headers, explain="true") if item["item_id"].startswith(category)
    ]
    assert len(of_category) >= 5
    for item in of_category:
        assert item["evidence"]
        assert {event["item_id"] for event in item["evidence"]} <= set(done)
        assert all(event["gain"] > 0 for event in item["evidence"])
        assert item["reason"]["text"].startswith("Because you liked “Title of ")


def test_what_somebody_is_told_names_what_they_did_and_the_interest_it_serves(serving, headers):
    for n in (0, 7, 13):
        post(f"Bread {n}", headers)
    person = EndUser.objects.get(user_id="newcomer")
    weight = max(person.current_state.weights)

    before = answered(headers, explain="true")
    explain()
    after = answered(headers, explain="true")
    chinese = answered(headers, explain="true", language="zh-CN")

    percent = f"{100 * weight:.0f}"
    for own in before[:3]:
        assert own["evidence"] == []
        assert own["reason"] == {
            "kind": "interest", "category": "Bread", "weight": round(weight, 4), "rule": None,
            "together": None,
            "text": f"It belongs to Bread, which makes up {percent} % of what you want now.",
        }  # fmt: skip
    for own, told in zip(after[:3], chinese, strict=False):
        first = own["evidence"][0]["item_id"]
        assert first in ("Bread 0", "Bread 7", "Bread 13")
        assert own["reason"]["kind"] == "history"
        text = own["reason"]["text"]
        assert text.startswith(f"Because you liked “Title of {first}”")
        assert text.endswith(f"in Bread, which makes up {percent} % of what you want now.")
        assert told["reason"]["text"].startswith(f"因为您喜欢“Bread”中的《Title of {first}》")
        assert told["evidence"] == own["evidence"]
