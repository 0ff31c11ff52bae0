"""How well algorithms rank items that nobody chose yet among each other, beside chance, on a data folder.

    python -m benchmarks.newcomers --data FOLDER [--algorithms tfidf,content_factors] [--split time] [--seed 0]

Settings are chosen on validation as `manage.py evaluate` does it; the test is asked once. Prints a line per algorithm:
NDCG@10 among new items with its 95 % interval over end users, how many times chance that is, and the p-value of a paired
sign-flip test against chance.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interests import datasets
from recommender import algorithms
from recommender.evaluation import newcomers, runner, significance, splits
from recommender.evaluation.answers import Request
from recommender.evaluation.metrics import tie_order
from recommender.evaluation.results import Result
from recommender.evaluation.splits import Split

USUAL = "bag_of_words,tfidf,word_embeddings,content_factors"
# It knows no new item, so that what it gets among them is what chance gets.
CHANCE = "most_popular"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--algorithms", default=USUAL)
    parser.add_argument("--split", choices=splits.NAMES, default=splits.TIME)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    log = datasets.read(asked.data).sorted(seed=asked.seed)
    split = splits.split(log, name=asked.split)
    request = Request(seed=asked.seed)
    made = [algorithms.make(name) for name in (CHANCE, *asked.algorithms.split(","))]
    results = runner.run(split, algorithms=made, request=request)
    found = [_among_new(split, result, request=request) for result in results]
    if not len(found[0]):
        print("No end user of the test has a target that nobody chose before.")
        return
    print(f"{len(found[0])} end users, NDCG@10 among new items")
    for result, values in zip(results, found, strict=True):
        low, high = significance.bootstrap_interval(values, seed=asked.seed)
        p_value = significance.paired_p_value(values, found[0], seed=asked.seed)
        print(
            f"{result.algorithm:20} {values.mean():.4f} [{low:.4f}, {high:.4f}]  "
            f"{values.mean() / found[0].mean():5.1f} x chance  p {p_value:.4f}  {result.settings}"
        )


def _among_new(split: Split, result: Result, *, request: Request) -> NDArray[np.float64]:
    """Return NDCG@10 of each end user with the settings that were chosen, empty where nobody has new targets."""
    algorithm = algorithms.make(result.algorithm)
    settings = next(one for one in algorithm.grid() if asdict(one) == result.settings)
    fitted = algorithm.fit(split.fit, settings=settings, seed=request.seed)
    ties = tie_order(split.fit.num_items, seed=request.seed)
    found = newcomers.ask(fitted, split, request=request, ties=ties)
    return found[newcomers.NEW_ITEMS]["ndcg"] if newcomers.NEW_ITEMS in found else np.empty(0)


if __name__ == "__main__":
    main()
