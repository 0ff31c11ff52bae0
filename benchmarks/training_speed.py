"""Print how fast a training pass is beside an epoch of RecTools' SASRec of the same shape.

    python -m benchmarks.training_speed --data FOLDER | --shape movielens-1m
        [--epochs 1] [--rounds 3] [--budget 60] [--threads 2] [--change NAME=VALUE,...]

Both have 2 blocks of width 128, the same heads, dropout and history length, the softmax over the whole
catalogue, the same events and threads; where we would sample the loss, that is a row more. Each
measurement is a process of its own, in turns. Of RecTools as many batches as `--budget` seconds allow
are timed, after three to warm up, and scaled to an epoch: all its batches have one size. Of ours whole
passes are timed, after one to warm up, with a validation of one end user. RecTools trains on the last
events of a long history only, ours on all of them: hence events a second, too. To reach: 10 times on
short histories, 3 times on long ones.

RecTools gets a virtual environment of its own (1.3 GB with a CPU build of torch), made once with pip.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import peer_environment, training_data
from benchmarks.training_table import Row, our_targets, peer_targets, table, verdicts
from interests.datasets import DatasetError
from interests.datasets.log import InteractionLog
from interests.learning.config import BadSettings, TrainingConfig

ROOT = Path(__file__).resolve().parents[1]
WIDTH, NUM_BLOCKS = 128, 2
# From this mean length on, histories count as long.
LONG = 100
LENGTHS = {False: 50, True: 200}
AIMS = {False: 10, True: 3}
# RecTools' own default.
BATCH_USERS = 128


class MeasurementFailed(Exception):
    """A measuring process ended badly; the message ends with what it said."""


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        log = training_data.read(folder=options.data, shape=options.shape)
        is_long = log.num_events >= LONG * log.num_users
        options.length = options.length or LENGTHS[is_long]
        automatic = TrainingConfig.for_data(log, **settings(options, {}))
        changes = contenders(options.change, automatic=automatic, num_items=log.num_items)
        for change in changes.values():
            TrainingConfig.for_data(log, **settings(options, change))
    except (BadSettings, DatasetError) as error:
        parser.error(str(error))
    try:
        python = peer_environment.python(options.cache)
        rows = _rows(log, changes, python=python, options=options)
    except (MeasurementFailed, peer_environment.CannotInstall) as error:
        sys.exit(str(error))
    print("\n".join([*table(rows), *verdicts(rows, aim=AIMS[is_long])]))


def settings(options: argparse.Namespace, change: dict[str, Any]) -> dict[str, Any]:
    """Return what our training is told beyond what suits the data; `change` goes first."""
    passes = options.epochs + 1
    return {
        "width": WIDTH, "num_blocks": NUM_BLOCKS, "max_length": options.length,
        "max_epochs": passes, "patience": passes, "validation_users": 1,
    } | change  # fmt: skip


def contenders(
    changes: list[dict[str, Any]], *, automatic: TrainingConfig, num_items: int
) -> dict[str, dict[str, Any]]:
    """Return the name of each row of ours, and what it changes.

    The first has the peer's loss. Where we would choose a sampled one, that is a row, too.
    """
    full: dict[str, Any] = {"num_candidates": 0}
    found = {"Recsite, full softmax": full}
    if 0 < automatic.num_candidates < num_items:
        found["Recsite, automatic loss"] = {"num_candidates": automatic.num_candidates}
    return found | {f"Recsite, {_words(change)}": full | change for change in changes}


def parse_change(text: str) -> dict[str, Any]:
    """Return the settings in "name=value,name=value"; values are JSON, or else text."""
    found: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not (name and equals and value):
            raise argparse.ArgumentTypeError(f"{part!r} is not of the form name=value")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--data", type=Path, help="a data folder; ties as in the file")
    data.add_argument("--shape", choices=sorted(training_data.SHAPES), help="simulated histories")
    parser.add_argument("--epochs", type=_positive, default=1, help="passes timed in each round")
    parser.add_argument("--rounds", type=_positive, default=3)
    parser.add_argument(
        "--budget", type=_positive, default=60, help="seconds for RecTools in each round"
    )
    parser.add_argument("--threads", type=_positive, default=2, help="of each process")
    parser.add_argument(
        "--length",
        type=_positive,
        help=f"of histories (default: {LENGTHS[False]}, long {LENGTHS[True]})",
    )
    parser.add_argument(
        "--change", type=parse_change, action="append", default=[], metavar="NAME=VALUE,...",
        help="another row of ours, with these settings changed; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--peer-precision", choices=("32-true", "bf16-mixed"), default="32-true",
        help="RecTools uses 32-true unless told otherwise",
    )  # fmt: skip
    parser.add_argument("--cache", type=Path, default=peer_environment.default_cache())
    return parser


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}") from None
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {number}")
    return number


def _rows(
    log: InteractionLog,
    changes: dict[str, dict[str, Any]],
    *,
    python: Path,
    options: argparse.Namespace,
) -> list[Row]:
    """Measure all contenders in turns."""
    shape = TrainingConfig.for_data(log, **settings(options, {}))
    peers: list[dict[str, Any]] = []
    ours: dict[str, list[dict[str, Any]]] = {name: [] for name in changes}
    with tempfile.TemporaryDirectory(prefix="recsite-bench-") as folder:
        events = Path(folder) / "events.npz"
        np.savez(events, users=log.users, items=log.items)
        for number in range(options.rounds):
            print(f"Round {number + 1} of {options.rounds} ...", flush=True)
            peers.append(_measure_peer(python, events, shape, options))
            for name, change in changes.items():
                ours[name].append(_measure_own(Path(folder), change, options))
    _print_settings(log, peers[0], next(iter(ours.values()))[0], options)
    return [
        _peer_row(log, peers, max_length=options.length),
        *(_own_row(log, results, name=name) for name, results in ours.items()),
    ]


def _peer_row(log: InteractionLog, results: list[dict[str, Any]], *, max_length: int) -> Row:
    batches = "+".join(str(result["batches"]) for result in results)
    return Row(
        name=f"RecTools {results[0]['versions']['rectools']} SASRec",
        targets=peer_targets(log, max_length=max_length),
        seconds=tuple(
            result["seconds_per_batch"] * result["batches_per_epoch"] for result in results
        ),
        peak_mb=max(result["peak_mb"] for result in results),
        note=f"batches: {batches}, an epoch has {results[0]['batches_per_epoch']}",
    )


def _own_row(log: InteractionLog, results: list[dict[str, Any]], *, name: str) -> Row:
    return Row(
        name=name,
        targets=our_targets(log),
        seconds=tuple(median(result["seconds"]) for result in results),
        peak_mb=max(result["peak_mb"] for result in results),
        note=f"epochs: {'+'.join(str(len(result['seconds'])) for result in results)}",
    )


def _measure_peer(
    python: Path, events: Path, config: TrainingConfig, options: argparse.Namespace
) -> dict[str, Any]:
    told = {
        "width": config.width, "num_blocks": config.num_blocks, "num_heads": config.num_heads,
        "max_length": config.max_length, "dropout": config.dropout, "batch_users": BATCH_USERS,
        "precision": options.peer_precision, "epochs": options.epochs,
        "budget_seconds": options.budget,
    }  # fmt: skip
    result = events.parent / "result.json"
    script = ROOT / "benchmarks" / "rectools_peer.py"
    return _run([python, script, events, result, json.dumps(told)], result, options.threads)


def _measure_own(
    folder: Path, change: dict[str, Any], options: argparse.Namespace
) -> dict[str, Any]:
    result = folder / "result.json"
    source = ["--data", options.data.resolve()] if options.data else ["--shape", options.shape]
    told = json.dumps(settings(options, change))
    command = [sys.executable, "-m", "benchmarks.training_passes", result, *source]
    found = _run([*command, "--settings", told], result, options.threads)
    if len(found["seconds"]) != options.epochs:
        raise MeasurementFailed(
            f"Our training ended after {len(found['seconds']) + 1} passes, not {options.epochs + 1}."
        )
    return found


def _run(command: list[Any], result: Path, threads: int) -> dict[str, Any]:
    """Run a measuring process and return what it wrote."""
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads),
        # What the site sets: on a busy machine threads that spin while they wait slow everything.
        "OMP_WAIT_POLICY": "PASSIVE",
    }  # fmt: skip
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=environment, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise MeasurementFailed(f"{' '.join(map(str, command[:3]))} failed:\n{said}")
    found: dict[str, Any] = json.loads(result.read_text())
    result.unlink()
    return found


def _print_settings(
    log: InteractionLog, peer: dict[str, Any], own: dict[str, Any], options: argparse.Namespace
) -> None:
    shared = {name: own["settings"][name] for name in ("width", "num_blocks", "num_heads")}
    precision = "bfloat16" if own["is_bfloat16"] else "float32"
    versions = ", ".join(f"{name} {number}" for name, number in peer["versions"].items())
    print(
        f"\n{options.data or options.shape}: {log.num_events:,} events, {log.num_users:,} end users, "
        f"{log.num_items:,} items\n"
        f"both: {_words(shared | {'max_length': options.length})}, dropout "
        f"{own['settings']['dropout']}, softmax over all items\n"
        f"RecTools: {BATCH_USERS} users a batch, {options.peer_precision}, {peer['parameters']:,} "
        f"parameters, {peer['threads']} threads, {peer['device']}; {versions}\n"
        f"Recsite: {precision}, {own['parameters']:,} parameters, {own['threads']} threads, "
        f"{own['device']}; {_words(own['settings'])}\n"
    )


def _words(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


if __name__ == "__main__":
    main()
