"""Time passes of our training over a folder's or a shape's events, and write them as JSON.

    python -m benchmarks.training_passes RESULT.json --data FOLDER|--shape NAME --settings JSON

`benchmarks.training_speed` starts it, so that each measurement has a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks import training_data
from interests.datasets.log import InteractionLog
from interests.learning import devices, trainer
from interests.learning.config import TrainingConfig
from interests.learning.progress import Progress


class PassClock:
    """Note when each pass is over, as the curves of the training's reports tell."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def __call__(self, progress: Progress) -> None:
        if len(progress.curves["loss"]) > len(self.ends):
            self.ends.append(time.perf_counter())

    def seconds(self) -> list[float]:
        """Return the time of each pass but the first, which also prepares and warms up."""
        return [end - start for start, end in zip(self.ends, self.ends[1:], strict=False)]


def main() -> None:
    """Train, and write what each pass took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("result", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--shape", choices=sorted(training_data.SHAPES))
    parser.add_argument("--settings", type=json.loads, required=True)
    options = parser.parse_args()
    log = training_data.read(folder=options.data, shape=options.shape)
    options.result.write_text(json.dumps(measure(log, options.settings)))


def measure(log: InteractionLog, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the seconds of each pass after the first, and what was trained."""
    config = TrainingConfig.for_data(log, **settings)
    clock = PassClock()
    trained = trainer.fit(log, config=config, report=clock)
    return {
        "seconds": clock.seconds(),
        "settings": config.to_dict(),
        "parameters": sum(part.numel() for part in trained.network.parameters()),
        "device": devices.name(devices.best()),
        "is_bfloat16": devices.is_bfloat16_faster(devices.best()),
        "threads": torch.get_num_threads(),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    main()
