"""How well algorithms serve who and what is new: items that nobody chose yet, and people of whom only attributes are known.

    python -m benchmarks.newcomers --data FOLDER [--algorithms tfidf,content_factors] [--split time] [--seed 0]
    python -m benchmarks.newcomers --people 3000 [--seeds 5]

Settings are chosen on validation as `manage.py evaluate` does it; the test is asked once.

With --data: a line per algorithm, NDCG@10 among new items with its 95 % interval over end users, how many times chance that
is, and the p-value of a paired sign-flip test against chance.

With --people: a population is drawn in which attributes decide what people choose (see `planted_people`), cut in time; a line per
algorithm, NDCG@10 of people without any event before the cut, with its 95 % interval and the p-value against popularity.
Below, as a control, the same with everybody's attributes given to another. The bound is what an answer from the
drawn chances themselves gets.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import planted_people
from benchmarks.planted_people import Planted
from interests import datasets
from interests.datasets.log import InteractionLog
from recommender import algorithms
from recommender.algorithms.protocol import Fitted
from recommender.evaluation import answers, newcomers, runner, significance, splits
from recommender.evaluation.answers import Request
from recommender.evaluation.metrics import tie_order
from recommender.evaluation.results import Result
from recommender.evaluation.splits import Split

USUAL = "bag_of_words,tfidf,word_embeddings,content_factors"
# It knows no new item, so that what it gets among them is what chance gets.
CHANCE = "most_popular"
OF_PEOPLE = ("most_popular", "context_popular", "attribute_popular", "factorisation_machine")


@dataclass(frozen=True)
class Oracle:
    """Answers with what people really choose by. chances: [U, N]"""

    chances: NDArray[np.float64]

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        return self.chances[users].astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path)
    source.add_argument("--people", type=int, help="how many to draw")
    parser.add_argument("--algorithms", default=USUAL)
    parser.add_argument("--split", choices=splits.NAMES, default=splits.TIME)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=5, help="populations, from seed 0 on")
    asked = parser.parse_args()
    if asked.people:
        for seed in range(asked.seeds):
            compare_new_people(num_people=asked.people, seed=seed)
        return
    _compare_new_items(asked)


def compare_new_people(*, num_people: int, seed: int) -> None:
    """Print how algorithms serve the new people of a planted population, and of its control."""
    planted = planted_people.population(num_people=num_people, seed=seed)
    logs = {
        "attributes decide": planted.log,
        "attributes of another": planted.shuffled(seed=seed),
    }
    for words, log in logs.items():
        found = of_new_people(Planted(log, planted.chances), seed=seed)
        popular = found[CHANCE]
        print(f"seed {seed}, {words}: {len(popular)} new end users, NDCG@10")
        for name, values in found.items():
            low, high = significance.bootstrap_interval(values, seed=seed)
            p_value = significance.paired_p_value(values, popular, seed=seed)
            print(f"  {name:22} {values.mean():.4f} [{low:.4f}, {high:.4f}]  p {p_value:.4f}")


def of_new_people(
    planted: Planted, *, seed: int, names: Sequence[str] = OF_PEOPLE
) -> dict[str, NDArray[np.float64]]:
    """Return NDCG@10 of each person without an event before the cut, by algorithm, and "bound" last."""
    split = splits.split(planted.log, name=splits.TIME)
    made = [algorithms.make(name) for name in names]
    request = Request(seed=seed)
    fits: dict[str, Fitted] = {
        result.algorithm: _fitted(split, result, seed=seed)
        for result in runner.run(split, algorithms=made, request=request)
    }
    fits["bound"] = Oracle(planted.chances)
    ties = tie_order(split.fit.num_items, seed=seed)
    assert split.new_users is not None
    return {
        name: answers.ask(fitted, split.new_users, request=request, ties=ties).per_user["ndcg"]
        for name, fitted in fits.items()
    }


def _compare_new_items(asked: argparse.Namespace) -> None:
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
    fitted = _fitted(split, result, seed=request.seed)
    ties = tie_order(split.fit.num_items, seed=request.seed)
    found = newcomers.ask(fitted, split, request=request, ties=ties)
    return found[newcomers.NEW_ITEMS]["ndcg"] if newcomers.NEW_ITEMS in found else np.empty(0)


def _fitted(split: Split, result: Result, *, seed: int) -> Fitted:
    """Return an algorithm fitted for the test with the settings that were chosen."""
    algorithm = algorithms.make(result.algorithm)
    settings = next(one for one in algorithm.grid() if asdict(one) == result.settings)
    return algorithm.fit(split.fit, settings=settings, seed=seed)


if __name__ == "__main__":
    main()
