"""Print what networks of eight bits and pruned ones gain in bytes and time, and cost in NDCG, in one run.

    python -m benchmarks.compression --data FOLDER [--passes 10] [--rounds 7]

Trains one network by the leave-one-out rule, with the settings that suit the folder and as many passes as are
said, compresses it in each way, and asks all of them about the validation events. One thread; each is timed in
each round. Seconds are those of the processor for the scores of all items for everybody asked about; bytes are
those of the file, and of the file packed by zlib, where zeros take little.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from interests import datasets
from interests.learning import checkpoints, compressing, scoring, trainer
from interests.learning.config import TrainingConfig
from interests.learning.trained import TrainedNetwork
from recommender.algorithms.network import FittedNetwork
from recommender.evaluation import answers, metrics, splits
from recommender.evaluation.splits import Questions

SHARES = (0.3, 0.5, 0.7, 0.9)


@dataclass
class Variant:
    """One way to keep the network. seconds: of each round; ndcg: of each person asked. [b]"""

    name: str
    network: TrainedNetwork
    num_bytes: int = 0
    packed_bytes: int = 0
    seconds: list[float] = field(default_factory=list)
    ndcg: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, compress, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--passes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    log = datasets.read(options.data).sorted(ties="random", seed=0)
    split = splits.split(log, name=splits.LEAVE_ONE_OUT)
    config = TrainingConfig.for_data(split.fit, max_epochs=options.passes)
    network = trainer.fit(split.fit, config=config, device=torch.device("cpu"))
    found = variants(network)
    measure(found, split.validation, rounds=options.rounds)
    print(table(found))


def variants(network: TrainedNetwork) -> list[Variant]:
    """Return the network as it is, and in every way it is compressed."""
    pruned = {share: compressing.pruned(network, share=share) for share in SHARES}
    return [
        Variant("as trained", network),
        Variant("eight bits", compressing.quantised(network)),
        *(Variant(f"{share:.0%} pruned", each) for share, each in pruned.items()),
        Variant("50% pruned, eight bits", compressing.quantised(pruned[0.5])),
    ]


def measure(found: Sequence[Variant], questions: Questions, *, rounds: int) -> None:
    """Fill in what each variant takes and how good it is."""
    ties = metrics.tie_order(questions.histories.num_items, seed=0)
    for variant in found:
        with tempfile.TemporaryDirectory() as folder:
            checkpoints.save(variant.network, Path(folder))
            weights = (Path(folder) / checkpoints.WEIGHTS_FILE).read_bytes()
        variant.num_bytes, variant.packed_bytes = len(weights), len(zlib.compress(weights))
        fitted = FittedNetwork(variant.network)
        answer = answers.ask(fitted, questions, request=answers.Request(), ties=ties)
        variant.ndcg = answer.per_user["ndcg"]
    for _ in range(rounds):
        for variant in found:
            began = time.process_time()
            scoring.scores(variant.network, questions.histories, users=questions.users)
            variant.seconds.append(time.process_time() - began)


def table(found: Sequence[Variant]) -> str:
    """Return a Markdown table; differences are to the first variant, with half of their 95 % interval."""
    first = found[0]
    lines = [
        "| | bytes | packed | seconds | of the first | NDCG@10 | difference |",
        "|---|---|---|---|---|---|---|",
    ]
    for variant in found:
        differences = variant.ndcg - first.ndcg
        half = 1.96 * differences.std() / np.sqrt(len(differences))
        seconds = statistics.median(variant.seconds)
        share = seconds / statistics.median(first.seconds)
        lines.append(
            f"| {variant.name} | {variant.num_bytes:,} | {variant.packed_bytes:,} | {seconds:.3f} | {share:.2f}"
            f" | {variant.ndcg.mean():.4f} | {differences.mean():+.4f} ± {half:.4f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
