"""Fixtures of learning: each device there is, and one network trained on a log that has an answer."""

import pytest
import torch

from interests.learning import trainer
from interests.learning.config import TrainingConfig
from interests.learning.trained import TrainedNetwork
from tests.interests.learning.logs import chain

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(
    params=[pytest.param(d, marks=pytest.mark.gpu if d == "cuda" else ()) for d in DEVICES]
)
def device(request) -> torch.device:
    return torch.device(request.param)


@pytest.fixture(autouse=True)
def _one_thread():
    """Give the same sums on every machine, and leave the other processors to others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small_config() -> TrainingConfig:
    return TrainingConfig(
        width=16, max_length=6, dropout=0.1, learning_rate=0.01, warmup_steps=5,
        tokens_per_batch=64, max_epochs=12, patience=12, own_dropout=0.0,
    )  # fmt: skip


@pytest.fixture(scope="session")
def trained(small_config) -> TrainedNetwork:
    return trainer.fit(chain(), config=small_config, device=torch.device("cpu"))
