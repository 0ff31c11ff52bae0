"""How soon an event is seen: the whole site under events and reads at once.

    python -m benchmarks.live [--seconds 300] [--people 10000] [--events 200] [--reads 200]

Starts PostgreSQL, Redis, the web server, workers and beat of its own in a folder that is gone afterwards. People
have histories of 50 events over 10,000 items; a network of width 128 with 2 blocks serves. Then people post
events one by one and read their recommendations, each at a fixed rate. How long an event took is read from
the slates themselves: from when its request was due until a slate that has seen it was found by a look at the
table, ten times a second. Exits 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import live_load, live_site
from benchmarks.live_load import Sent
from benchmarks.live_site import Site

FRESH_SECONDS, READ_MILLISECONDS, WORKER_MB, FIRST_SECONDS = 1.0, 25.0, 1024.0, 5.0
# What processes may grow by from the middle to the end: a leak over hours shows in minutes.
GROWTH_SHARE, GROWTH_MB = 0.05, 20.0
WARM_UP_SECONDS = 5.0
# After the last event, for the slates still to come.
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Aim:
    """One line of the table: what was measured, what is to be reached, whether it was."""

    name: str
    measured: str
    aim: str
    is_reached: bool


def main() -> None:
    """Run the site, print the table, exit 1 where it falls short."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--events", type=float, default=200.0, help="a second")
    parser.add_argument("--reads", type=float, default=200.0, help="a second")
    parser.add_argument("--home", type=Path, help="keep the filled site in this folder, or use it")
    options = parser.parse_args()
    with live_site.running(options.home, num_people=options.people) as site:
        aims = measure(site, seconds=options.seconds, events=options.events, reads=options.reads)
    sys.exit(0 if all(aim.is_reached for aim in aims) else 1)


def measure(site: Site, *, seconds: float, events: float, reads: float) -> list[Aim]:
    """Put the site under load and print what it did."""
    first = site.first_answer_seconds()
    site.wait_until_quiet()
    live_load.send(site, seconds=WARM_UP_SECONDS, events=events, reads=reads, name="warm")
    memory, cpu = [site.memory()], site.cpu_seconds()
    with live_load.Watch() as watch:
        sent = live_load.send(
            site,
            seconds=seconds,
            events=events,
            reads=reads,
            name="live",
            at_middle=lambda: memory.append(site.memory()),
            at_post=watch.expect,
        )
        used = {name: now - cpu[name] for name, now in site.cpu_seconds().items()}
        memory.append(site.memory())
        watch.wait(sent, patience=PATIENCE_SECONDS)
    waits, num_stored = watch.waits(sent)
    print_load(sent, waits, num_stored=num_stored, seconds=seconds)
    print_processes(memory, used, seconds=seconds, num_events=num_stored)
    aims = compare(sent, waits, num_stored=num_stored, memory=memory, first=first)
    print(f"\n{'aim':<44}{'measured':>14}{'to reach':>14}")
    for aim in aims:
        print(
            f"{aim.name:<44}{aim.measured:>14}{aim.aim:>14}{'' if aim.is_reached else '   MISSED'}"
        )
    return aims


def print_load(sent: Sent, waits: NDArray[np.float64], *, num_stored: int, seconds: float) -> None:
    """Print what was sent and how long it took."""
    posts, reads = sent.milliseconds("POST"), sent.milliseconds("GET")
    print(f"\n{'':<28}{'number':>9}{'a second':>10}{'p50':>9}{'p95':>9}{'p99':>9}{'most':>9}")
    rows = {
        "POST events, ms": posts,
        "GET recommendations, ms": reads,
        "event to fresh slate, ms": 1000 * waits,
    }
    for name, values in rows.items():
        quantiles = np.quantile(values, [0.5, 0.95, 0.99, 1]) if len(values) else [np.nan] * 4
        cells = "".join(f"{value:>9,.1f}" for value in quantiles)
        print(f"{name:<28}{len(values):>9,}{len(values) / seconds:>10,.0f}{cells}")
    print(f"events stored: {num_stored:,} of {len(posts):,}; errors: {len(sent.errors)}")
    for error in sent.errors[:5]:
        print(f"  {error[:300]}")


def print_processes(
    memory: list[dict[str, float]], used: dict[str, float], *, seconds: float, num_events: int
) -> None:
    """Print memory and processor time of each part of the site."""
    print(
        f"\n{'process':<12}{'MB at start':>12}{'middle':>9}{'end':>9}{'of a core':>11}{'ms an event':>13}"
    )
    for name, megabytes in memory[0].items():
        cells = "".join(f"{row[name]:>9,.0f}" for row in memory[1:])
        share, each = used[name] / seconds, 1000 * used[name] / max(num_events, 1)
        print(f"{name:<12}{megabytes:>12,.0f}{cells}{share:>11.2f}{each:>13.2f}")
    total = sum(used.values())
    print(f"{'all':<12}{'':>30}{total / seconds:>11.2f}{1000 * total / max(num_events, 1):>13.2f}")


def compare(
    sent: Sent,
    waits: NDArray[np.float64],
    *,
    num_stored: int,
    memory: list[dict[str, float]],
    first: float,
) -> list[Aim]:
    """Return what was measured beside what is to be reached."""
    num_sent = len(sent.milliseconds("POST"))
    fresh = float(np.quantile(waits, 0.95)) if len(waits) else np.inf
    read = float(np.quantile(sent.milliseconds("GET"), 0.99))
    grown = {name: end - memory[1][name] for name, end in memory[-1].items()}
    worst = max(grown, key=lambda name: grown[name])
    is_flat = all(
        more <= max(GROWTH_MB, GROWTH_SHARE * memory[1][name]) for name, more in grown.items()
    )
    unseen, lost = num_stored - len(waits), num_sent - num_stored
    worker = memory[-1]["live"]
    return [
        Aim("p95 from event to fresh slate, s", f"{fresh:.2f}", f"< {FRESH_SECONDS:g}", fresh < FRESH_SECONDS),
        Aim("GET p99 under this load, ms", f"{read:.1f}", f"< {READ_MILLISECONDS:g}", read < READ_MILLISECONDS),
        Aim("errors", f"{len(sent.errors)}", "0", not sent.errors),
        Aim("events lost", f"{lost}", "0", lost == 0),
        Aim("events that no slate has seen", f"{unseen}", "0", unseen == 0),
        Aim(f"grown since the middle, most: {worst}, MB", f"{grown[worst]:.0f}", "flat", is_flat),
        Aim("live worker, MB", f"{worker:.0f}", f"< {WORKER_MB:g}", worker < WORKER_MB),
        Aim("live worker's start to first slate, s", f"{first:.1f}", f"< {FIRST_SECONDS:g}", first < FIRST_SECONDS),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
