"""How often the sequential test of experiments calls what is not there, and how soon it finds what is.

    python -m benchmarks.experiments            A/A and lifts in several worlds of simulated clicks
    python -m benchmarks.experiments --runs 200 in a minute

Exits 1 where a world's false positive rate is above 5 %, or a lift of a tenth is not found in most runs.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

import numpy as np
from scipy import stats

from recommender.evaluation import simulated_clicks
from recommender.evaluation.simulated_clicks import Outcome, World

USUAL = World(people=4_000, days=35, visits_per_day=1.0, rate_spread=0.5, click_rate=0.05)
WORLDS = {
    "usual": USUAL,
    "people differ much": replace(USUAL, rate_spread=1.2),
    "days and lists differ much": replace(USUAL, day_spread=0.5, list_spread=1.0),
    "few come again": replace(USUAL, visits_per_day=0.05),
    "traffic grows tenfold": replace(USUAL, growth=10.0),
    "seldom clicked": replace(USUAL, click_rate=0.005),
    "conversions, once each": replace(USUAL, once=True, click_rate=0.01),
}
LIFTS = {5_000: 0.1, 10_000: 0.1, 20_000: 0.1, 20_001: 0.05}
ALPHA, ENOUGH = 0.05, 0.5


def main() -> int:
    """Print both tables; return 1 where the test falls short."""
    options = _options()
    has_failed = False
    print(f"A/A, {options.runs} runs a world, looked at daily for 35 days, smallest change 10 %\n")
    print(
        "| world | called | 95 % interval | truth missed | daily t-test | t-test at the end | s |"
    )
    print("|---|---|---|---|---|---|---|")
    for seed, (name, world) in enumerate(WORLDS.items()):
        began = time.monotonic()
        found = simulated_clicks.try_out(world, lift=0.0, runs=options.runs, seed=seed, least_lift=0.1)  # fmt: skip
        has_failed |= found.rate > ALPHA
        low, high = _interval(found.found, found.runs)
        print(
            f"| {name} | {found.rate:.1%} | {low:.1%} to {high:.1%} | {found.missed / found.runs:.1%} "
            f"| {found.naive_rate:.1%} | {found.found_once / found.runs:.1%} | {time.monotonic() - began:.0f} |",
            flush=True,
        )
    print(f"\nWith a lift, {options.lift_runs} runs each\n")
    print(
        "| people | lift | found | 95 % interval | half of these by day | t-test at the end | truth missed |"
    )
    print("|---|---|---|---|---|---|---|")
    for people, lift in LIFTS.items():
        world = replace(USUAL, people=people // 10 * 10)
        found = simulated_clicks.try_out(
            world, lift=lift, runs=options.lift_runs, seed=100 + people, least_lift=lift
        )
        has_failed |= people == max(LIFTS) - 1 and found.rate < ENOUGH
        _print_lift(people // 10 * 10, lift, found)
    return int(has_failed)


def _print_lift(people: int, lift: float, found: Outcome) -> None:
    low, high = _interval(found.found, found.runs)
    day = f"{np.median(found.days):.0f}" if len(found.days) else "–"
    print(
        f"| {people:,} | {lift:.0%} | {found.rate:.1%} | {low:.1%} to {high:.1%} | {day} "
        f"| {found.found_once / found.runs:.1%} | {found.missed / found.runs:.1%} |",
        flush=True,
    )


def _interval(num: int, of: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a share (Clopper and Pearson, 1934)."""
    low = stats.beta.ppf(0.025, num, of - num + 1) if num else 0.0
    high = stats.beta.ppf(0.975, num + 1, of - num) if num < of else 1.0
    return float(low), float(high)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1_000, help="A/A experiments of each world")
    parser.add_argument("--lift-runs", type=int, default=200, help="experiments of each lift")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
