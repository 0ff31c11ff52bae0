"""A small population and a network that was really trained on it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from interests.learning import checkpoints, trainer
from interests.learning.config import TrainingConfig
from interests.models import TrainingRun
from interests.selectors import events
from tests import factories
from tests.factories import NOW

NUM_USERS = 12
NUM_ITEMS = 20
NUM_EVENTS = 6
TINY = TrainingConfig(
    width=16, num_blocks=1, num_heads=1, max_length=16, max_epochs=1, patience=1, warmup_steps=1
)


def populate() -> None:
    """Give end users "user 0" ... events with neighbouring items of "item 0" ..."""
    categories = [factories.category(name) for name in ("Poetry", "Travel")]
    items = [factories.item(f"item {n}", categories=(categories[n % 2],)) for n in range(NUM_ITEMS)]
    for n in range(NUM_USERS):
        person = factories.end_user(f"user {n}")
        for step in range(NUM_EVENTS):
            at = NOW - timedelta(days=NUM_EVENTS - step)
            thing = items[(n + 2 * step) % NUM_ITEMS]
            factories.event(person, thing, occurred_at=at, received_at=at)


def train() -> TrainingRun:
    """Train a network on what is in the database and keep it as a run that is done."""
    run = factories.training_run()
    folder = Path("networks") / str(run.pk)
    trained = trainer.fit(events.interaction_log().log, config=TINY)
    (settings.RECSITE_HOME / folder).mkdir(parents=True, exist_ok=True)
    run.weights_sha256 = checkpoints.save(trained, settings.RECSITE_HOME / folder)
    run.weights_path = str(folder)
    run.save(update_fields=["weights_path", "weights_sha256"])
    return run


@pytest.fixture
def population() -> None:
    populate()


@pytest.fixture
def training(population: None) -> TrainingRun:
    return train()
