"""Is a fusion better than the best single algorithm? Its members and it, each fitted once, the test asked once.

    python -m benchmarks.fusion --data DATA/amazon-beauty --ties file --budget 600

The best single one is that of validation. Prints a line for each, and the paired test of the two.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from interests import datasets
from recommender import algorithms
from recommender.algorithms.fusing import MEMBERS
from recommender.evaluation import runner, segments, significance, splits
from recommender.evaluation.answers import Request
from recommender.evaluation.results import Result


def lines(results: Sequence[Result], *, fused: str, seed: int) -> Iterator[str]:
    """Yield the table, and the paired test of a fusion against the best single one on validation."""
    key = f"ndcg@{results[0].k}"
    yield f"{'algorithm':24} validation   test     fit s  score s      MB"
    for one in results:
        yield (
            f"{one.algorithm:24} {one.validation_ndcg or 0:10.4f} {_value(one, key):6.4f} {one.fit_seconds:9.1f}"
            f" {one.score_seconds:8.1f} {one.memory_bytes / 1e6:7.0f}"
        )
    single = [one for one in results if one.algorithm in MEMBERS]
    best = max(single, key=lambda one: one.validation_ndcg or 0.0)
    mixed = next(one for one in results if one.algorithm == fused)
    gain = _value(mixed, key) / _value(best, key) - 1
    p_value = significance.paired_p_value(mixed.per_user["ndcg"], best.per_user["ndcg"], seed=seed)
    yield f"{fused} against {best.algorithm}, the best single one on validation: {gain:+.1%}, p {p_value:.4f}"


def _value(result: Result, key: str) -> float:
    return result.segments[segments.ALL].values[key]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", required=True)
    parser.add_argument("--ties", choices=("random", "file"), default="random")
    parser.add_argument("--budget", type=float, help="seconds to fit one algorithm")
    parser.add_argument("--fusion", default="fusion", help="which way to mix")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    log = datasets.read(options.data).sorted(ties=options.ties, seed=options.seed)
    results = runner.run(
        splits.split(log, name=splits.LEAVE_ONE_OUT),
        algorithms=[algorithms.make(name) for name in (*MEMBERS, options.fusion)],
        request=Request(seed=options.seed, budget_seconds=options.budget),
        report=lambda step, share: print(f"\r{share:4.0%} {step:60.60}", end="", file=sys.stderr),
        unfitted={},
    )
    print(file=sys.stderr)
    for line in lines(results, fused=options.fusion, seed=options.seed):
        print(line)


if __name__ == "__main__":
    main()
