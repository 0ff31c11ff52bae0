"""Somebody new does a few things of one category: the next answers move towards it, and say because of what."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from interests.learning import checkpoints, trainer
from interests.learning.config import TrainingConfig
from interests.models import EndUser, Interaction, Item, TrainingRun
from interests.selectors import events
from interests.services import training as training_service
from recommender.models import PublicationRun, Slate
from recommender.ranking import reason_words
from recommender.ranking.composing import Placed
from recommender.selectors import reasons
from recommender.services import counting, reasoning, refreshing
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


def answered(headers: dict[str, str]) -> list[str]:
    answer = Client().get("/api/v1/users/newcomer/recommendations", {"n": N}, headers=headers)
    return [item["item_id"] for item in answer.json()["items"]]


def share(item_ids: list[str], category: str) -> float:
    return sum(item_id.startswith(category) for item_id in item_ids) / len(item_ids)


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
    person = EndUser.objects.get(user_id="newcomer")
    reasoning.explain(
        [person.pk],
        publication_id=serving.pk,
        network=training_service.load(serving.training_run),
    )
    slate = Slate.objects.get(end_user=person)
    own = dict(Interaction.objects.filter(end_user=person).values_list("pk", "item__item_id"))
    for item_id, reason in zip(slate.item_ids[:N], slate.reasons[:N], strict=True):
        if not item_id.startswith(category):
            continue
        assert reason["events"], item_id
        assert {own[event] for event, _, _ in reason["events"]} <= set(done)


def test_what_somebody_is_told_names_what_they_did(serving, headers):
    for n in (0, 7, 13):
        post(f"Bread {n}", headers)
    person = EndUser.objects.get(user_id="newcomer")
    network = training_service.load(serving.training_run)
    reasoning.explain([person.pk], publication_id=serving.pk, network=network)
    slate = Slate.objects.get(end_user=person)
    placed = [
        Placed(key, item_id, rank, 0.0)
        for rank, (key, item_id) in enumerate(
            zip(slate.items[:3], slate.item_ids, strict=False), start=1
        )
    ]

    found = reasons.reasons_of(
        placed, end_user=person.pk, run=serving.pk, generated_at=slate.generated_at
    )

    titles = {f"Title of Bread {n}" for n in (0, 7, 13)}
    for own in found:
        assert own.said.category == "Bread"
        assert own.said.weight == pytest.approx(max(person.current_state.weights), abs=1e-4)
        assert {line.event.title for line in own.evidence} <= titles
        text = reason_words.sentence(own.said, language="en")
        first = own.evidence[0].event.title
        assert text.startswith(f"Because you liked “{first}”")
        assert own.said.deeds[0].is_of_interest
        assert text.endswith(
            f"in Bread, which makes up {100 * own.said.weight:.0f} % of what you want now."
        )
    assert Item.objects.filter(title__in=titles).count() == 3
