"""Print how well drift is detected beside other detectors, on streams whose changes are known.

    python -m benchmarks.drift [--data FOLDER] [--users 400] [--seed 31]

FOLDER has truth.csv beside the data, as `manage.py simulate --recipe streams` writes it; without one such
streams are simulated. Ours runs with settings that never saw these streams. Of the others, each runs with all
its settings, and the table shows the two that are best on the very streams: with the highest F1, and with the
highest F1 of those with at most about one false alarm per 1,000 events of stable people. Blind alarms, one
for everybody at the same event or for so many people only, say what F1 comes from no knowledge at all.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.drift_peers import PEERS, Peer
from interests import datasets
from interests.drift import detectors, streams, writing
from interests.drift.evaluation import DriftQuality, drift_quality
from interests.tracking import histories
from interests.tracking.histories import History

# What counts as about one false alarm per 1,000 events.
ABOUT_ONE = 1.05
NOW_MS = 1_767_225_600_000  # 2026-01-01
OUR_BUDGETS = (4.0, 3.0, 2.5, 2.0, 1.5, 1.25, 1.0, 0.75)
Alarms = list[list[int]]


@dataclass(frozen=True)
class TrueChange:
    """One line of truth.csv."""

    event: int
    end_event: int


@dataclass(frozen=True)
class Streams:
    """Histories with their true changes, in the same order."""

    histories: list[History]
    changes: list[list[TrueChange]]

    def quality(self, alarms: Sequence[Sequence[int]]) -> DriftQuality:
        lengths = [len(history) for history in self.histories]
        return drift_quality(alarms, changes=self.changes, num_events=lengths)


@dataclass(frozen=True)
class Tried:
    """A detector with one setting on the streams."""

    setting: str
    quality: DriftQuality
    seconds: float


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark."""
    options = _parser().parse_args(arguments)
    known = read(options.data) if options.data else simulated(options.users, options.seed)
    num_events = sum(map(len, known.histories))
    num_changes = sum(map(len, known.changes))
    print(
        f"{len(known.histories)} end users, {num_events:,} events, {num_changes} changes, {os.cpu_count()} cores"
    )
    print(HEADER)
    _print(f"**ours, as shipped ({detectors.VERSION})**", [_ours(known, None)], num_events)
    _print("ours, other budgets", [_ours(known, budget) for budget in OUR_BUDGETS], num_events)
    for peer in PEERS:
        run = partial(_peer_alarms, known, peer)
        _print(
            peer.name, [_timed(known, str(s), partial(run, s)) for s in peer.settings], num_events
        )
    blind_alarms = [
        _timed(known, f"event {at}, 1 in {every}", partial(blind, known, at, every))
        for at in range(30, 171, 10)
        for every in (1, 2, 5)
    ]
    _print("blind", blind_alarms, num_events)


def _peer_alarms(known: Streams, peer: Peer, setting: object) -> Alarms:
    # The last column is "uncategorised".
    return [peer.alarms(history.shares[:, :-1], setting) for history in known.histories]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="a data folder with truth.csv")
    parser.add_argument("--users", type=int, default=400, help="to simulate (default 400)")
    parser.add_argument("--seed", type=int, default=31, help="of the simulation (default 31)")
    return parser


def simulated(num_users: int, seed: int) -> Streams:
    """Return streams of the recipe that detectors are judged on."""
    recipe = replace(streams.STREAMS, num_users=num_users)
    population = streams.simulate(recipe=recipe, seed=seed, now_ms=NOW_MS)
    with tempfile.TemporaryDirectory() as folder:
        writing.write(population, folder=Path(folder))
        return read(Path(folder))


def read(folder: Path) -> Streams:
    """Return the histories of a data folder and what truth.csv says of them."""
    log = datasets.read(str(folder)).sorted()
    changes = defaultdict(list)
    with (folder / "truth.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            change = TrueChange(int(row["change_event"]), int(row["end_event"]))
            changes[row["user_id"]].append(change)
    return Streams(histories.of_log(log), [changes[str(user)] for user in log.user_ids])


def blind(known: Streams, at: int, every: int) -> Alarms:
    """Return one alarm at the same event for one in `every` people."""
    return [
        [at] if place % every == 0 and len(history) > at else []
        for place, history in enumerate(known.histories)
    ]


def _ours(known: Streams, budget: float | None) -> Tried:
    settings = detectors.DEFAULT
    if budget is not None:
        threshold = detectors.threshold_for(false_alarms_per_1000=budget)
        settings = replace(settings, threshold=threshold)

    def alarms() -> Alarms:
        found = detectors.detect(known.histories, settings=settings)
        return [[alarm.after - 1 for alarm in own] for own in found]

    return _timed(known, f"threshold {settings.threshold:.2f}", alarms)


def _timed(known: Streams, setting: str, run: Callable[[], Alarms]) -> Tried:
    start = time.process_time()
    alarms = run()
    return Tried(setting, known.quality(alarms), time.process_time() - start)


HEADER = (
    "| detector | setting | F1 | precision | recall | false alarms per 1,000 | median delay | events/s |\n"
    "|---|---|---|---|---|---|---|---|"
)


def chosen(tried: Sequence[Tried]) -> list[Tried]:
    """Return what had the best F1, and the best of those with about one false alarm per 1,000 events."""
    best = max(tried, key=lambda one: one.quality.f1)
    careful = [one for one in tried if one.quality.false_alarms_per_1000 <= ABOUT_ONE]
    if not careful:
        return [best]
    at_one = max(careful, key=lambda one: one.quality.f1)
    return [best] if at_one is best else [best, at_one]


def _print(name: str, tried: Sequence[Tried], num_events: int) -> None:
    for one in chosen(tried):
        quality = one.quality
        delay = "-" if quality.median_delay is None else f"{quality.median_delay:.0f}"
        print(
            f"| {name} | {one.setting} | {quality.f1:.3f} | {quality.precision:.2f} | "
            f"{quality.recall:.2f} | {quality.false_alarms_per_1000:.2f} | {delay} | "
            f"{num_events / max(one.seconds, 1e-9):,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
