"""A training that its test kills."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch

from interests.learning import trainer
from interests.learning.config import TrainingConfig
from tests.interests.learning.logs import chain

LOG = chain()
CONFIG = TrainingConfig(
    width=8, num_heads=2, max_length=6, dropout=0.3, tokens_per_batch=64, max_epochs=4,
    checkpoint_seconds=0.0, warmup_steps=4,
)  # fmt: skip

if __name__ == "__main__":
    torch.set_num_threads(1)
    trainer.fit(
        LOG,
        config=CONFIG,
        directory=Path(sys.argv[1]),
        device=torch.device("cpu"),
        report=lambda _: time.sleep(0.1),  # so that the kill falls into a pass
    )
