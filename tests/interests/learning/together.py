"""One of several processes that train together, for tests: what it does and what it found."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from interests.learning import devices, distributed, trainer
from interests.learning.config import TrainingConfig
from interests.learning.distributed import Ranks
from interests.learning.learner import Learner
from tests.interests.learning.logs import chain

WHOLE = TrainingConfig(
    width=8, num_heads=2, max_length=6, dropout=0.0, own_dropout=0.0, tokens_per_batch=64,
    max_epochs=3, checkpoint_seconds=0.0, warmup_steps=4, num_members=2,
)  # fmt: skip
# Batches of one or two windows: now and then a process has none.
TINY = dataclasses.replace(WHOLE, num_members=1, tokens_per_batch=12, max_epochs=1)
CONFIGS = {
    "whole": WHOLE,
    "candidates": dataclasses.replace(WHOLE, num_members=1, num_candidates=4),
    "tiny": TINY,
    "tiny_candidates": dataclasses.replace(TINY, num_candidates=4),
}
DROPPING = dataclasses.replace(WHOLE, num_members=1, dropout=0.3, own_dropout=0.2)
CPU = torch.device("cpu")


def fit(config: TrainingConfig, ranks: Ranks = distributed.ALONE, **options: Any) -> dict[str, Any]:
    """Train on the chain and return curves and weights."""
    found = trainer.fit(chain(), config=config, device=CPU, ranks=ranks, **options)
    results = found.results
    return {
        "curves": results["curves"],
        "members": results["members"],
        "validation": results["validation"],
        "resumed_in_passes": results["resumed_in_passes"],
        "device": results["device"],
        "weights": found.network.state_dict(),
    }


def train_all(ranks: Ranks, folder: Path) -> dict[str, Any]:
    """Train with all settings, and once more with an interruption."""
    found: dict[str, Any] = {name: fit(config, ranks) for name, config in CONFIGS.items()}
    found["dropping"] = fit(DROPPING, ranks)
    # Only process 0 tells, and has a checkpoint, as on hosts that share no disk.
    told: list[Any] = []
    options: dict[str, Any] = {}
    if ranks.is_first:
        options = {"directory": folder / "checkpoint", "report": told.append}
    asked = iter(range(1000))
    try:
        fit(DROPPING, ranks, is_stopped=lambda: next(asked) == 1, **options)
    except (trainer.TrainingStopped, distributed.RankFailed) as error:
        found["stopped"] = f"{type(error).__name__}: {error}"
    found["resumed"] = fit(DROPPING, ranks, **options)
    found["told"] = [now.share_done for now in told]
    return found


def lose_one(ranks: Ranks, folder: Path) -> dict[str, Any]:
    """Train while the last process is killed in its fourth step."""
    learn = Learner.learn

    def learn_or_die(self: Learner, loss: Any, *, step: int, **others: Any) -> torch.Tensor:
        if step == 3 and ranks.rank == ranks.size - 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return learn(self, loss, step=step, **others)

    Learner.learn = learn_or_die  # type: ignore[method-assign]
    return failure(ranks, seed=0)


def differ(ranks: Ranks, folder: Path) -> dict[str, Any]:
    """Train where each process has read other events."""
    return failure(ranks, seed=ranks.rank)


def failure(ranks: Ranks, *, seed: int) -> dict[str, Any]:
    try:
        trainer.fit(chain(seed=seed), config=WHOLE, device=CPU, ranks=ranks)
    except (distributed.RankFailed, distributed.CannotJoin) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"error": ""}


def threads() -> list[str]:
    """Return the names of those of this process's threads that talk to other processes, sorted."""
    names = [each.read_text().strip() for each in Path("/proc/self/task").glob("*/comm")]
    return sorted(name for name in names if "gloo" in name or "tcpstore" in name)


def start(task: str, folder: Path, *, size: int) -> list[dict[str, Any]]:
    """Run a function of this module in `size` processes; return what each found, {} for a killed one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = os.environ | {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size),
        "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    running = [
        subprocess.Popen(
            [sys.executable, "-m", __name__, task, str(folder)],
            env=shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for rank in range(size)
    ]  # fmt: skip
    outputs = []
    for process in running:
        with process:
            outputs.append(process.communicate(timeout=300)[0])
    found = []
    for rank, process in enumerate(running):
        assert process.returncode in (0, -signal.SIGKILL), outputs[rank]
        path = folder / f"{rank}.pt"
        found.append(torch.load(path, weights_only=False) if path.exists() else {})
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    devices.is_bfloat16_faster = lambda device: False  # rounding would hide what is compared
    trainer.STEPS_BETWEEN_LOOKS = 3  # to be stopped in the middle of a short pass
    tasks = {"train_all": train_all, "lose_one": lose_one, "differ": differ}
    with distributed.joined() as joined:
        result = tasks[sys.argv[1]](joined, Path(sys.argv[2]))
    result["threads"] = threads()
    torch.save(result, Path(sys.argv[2]) / f"{joined.rank}.pt")
