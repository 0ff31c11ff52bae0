"""Time batches of RecTools' SASRec on arrays of events; knows nothing of Recsite.

    PEER_PYTHON rectools_peer.py EVENTS.npz RESULT.json SETTINGS

`benchmarks.training_speed` starts it in an environment of its own: RecTools needs other versions of
numpy and pandas than the site. SETTINGS is JSON: width, num_blocks, num_heads, max_length, dropout,
batch_users, precision, epochs, budget_seconds.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

# The first batches allocate memory and choose kernels.
WARM_UP_BATCHES = 3


class Stopwatch:
    """Time the batches after the warm-up until there are enough or the time is up."""

    def __init__(self, *, batches_wanted: int, budget_seconds: float) -> None:
        self.batches_wanted = batches_wanted
        self.budget_seconds = budget_seconds
        self.batches = -WARM_UP_BATCHES
        self.started = self.seconds = 0.0

    def tick(self, now: float) -> bool:
        """Count a batch that ended just now; tell whether it was the last one wanted."""
        self.batches += 1
        if self.batches == 0:
            self.started = now
        if self.batches <= 0:
            return False
        self.seconds = now - self.started
        return self.batches >= self.batches_wanted or self.seconds >= self.budget_seconds


def main() -> None:
    """Train, and write what it took."""
    events, result, settings = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    result.write_text(json.dumps(measure(events, settings)))


def measure(events: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Return seconds a batch, batches an epoch, and what was measured."""
    import pytorch_lightning  # type: ignore[import-not-found]
    import torch
    from rectools.models import SASRecModel  # type: ignore[import-not-found]

    dataset, batches_per_epoch = _dataset(events, settings["batch_users"])
    stopwatch = Stopwatch(
        batches_wanted=settings["epochs"] * batches_per_epoch,
        budget_seconds=settings["budget_seconds"],
    )

    def count_batch(trainer: Any, *_: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        trainer.should_stop = stopwatch.tick(time.perf_counter())

    model = SASRecModel(
        n_factors=settings["width"],
        n_blocks=settings["num_blocks"],
        n_heads=settings["num_heads"],
        session_max_len=settings["max_length"],
        dropout_rate=settings["dropout"],
        batch_size=settings["batch_users"],
        loss="softmax",
    )
    # The trainer that RecTools makes itself, but for precision and the end.
    model._trainer = pytorch_lightning.Trainer(
        max_epochs=settings["epochs"] + WARM_UP_BATCHES,
        callbacks=[pytorch_lightning.callbacks.LambdaCallback(on_train_batch_end=count_batch)],
        precision=settings["precision"],
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=False,
        enable_checkpointing=False,
        devices=1,
    )
    model.fit(dataset)
    return {
        "seconds_per_batch": stopwatch.seconds / stopwatch.batches,
        "batches": stopwatch.batches,
        "batches_per_epoch": batches_per_epoch,
        "parameters": sum(part.numel() for part in model.lightning_model.parameters()),
        "device": str(model.lightning_model.device),
        "threads": torch.get_num_threads(),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "versions": {name: version(name) for name in ("rectools", "torch", "numpy")},
    }


def _dataset(events: Path, batch_users: int) -> tuple[Any, int]:
    """Return RecTools' form of the events, and how many batches are an epoch."""
    import numpy as np
    import pandas as pd
    from rectools.dataset import Dataset  # type: ignore[import-not-found]

    with np.load(events) as arrays:
        users, items = arrays["users"], arrays["items"]
    # A second between two events keeps their order.
    times = pd.to_datetime(np.arange(len(users)), unit="s")
    frame = pd.DataFrame({"user_id": users, "item_id": items, "weight": 1.0, "datetime": times})
    num_trained = int((np.bincount(users) >= 2).sum())
    return Dataset.construct(frame), -(-num_trained // batch_users)


if __name__ == "__main__":
    main()
