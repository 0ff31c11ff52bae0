"""Jobs of `benchmarks.accuracy` and what came out of them: a folder of files, each whole or not there.

A job that is done has two: NAME.npz, the measures of each end user, and NAME.json, which is written last and says
that it is done. NAME.json with an "error" is a job that failed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.results import Result


class BadQueue(Exception):
    """The folder of jobs is not what it should be; the message says what to do."""


@dataclass(frozen=True)
class Job:
    """One algorithm on one split of one data set with one seed.

    Attributes:
        data: the folder; its last name is that of the data set
        ties, k, budget_seconds: as `manage.py evaluate` has them
    """

    data: str
    split: str
    ties: str
    k: int
    budget_seconds: float | None
    algorithm: str
    seed: int

    @property
    def label(self) -> str:
        return f"{Path(self.data).name}, {self.split}, {self.algorithm}, seed {self.seed}"

    @property
    def name(self) -> str:
        """Return the name of the job's files: all that distinguishes it from others."""
        budget = "any" if self.budget_seconds is None else f"{self.budget_seconds:g}s"
        parts = (Path(self.data).name, self.split, f"{self.ties}-ties", f"k{self.k}", budget)
        return ".".join([*parts, self.algorithm, f"seed{self.seed}"])


@dataclass(frozen=True)
class Outcome:
    """A job that is done, or failed with an error. `ndcg`, `recall`: of each end user, empty if it failed. [b]"""

    job: Job
    row: dict[str, Any]
    error: str
    ndcg: NDArray[np.float64]
    recall: NDArray[np.float64]


def is_done(queue: Path, job: Job) -> bool:
    """Say whether a job has its result; one that failed has none."""
    path = queue / f"{job.name}.json"
    return path.exists() and not _read(path).get("error")


def keep(queue: Path, job: Job, *, result: Result, is_baseline: bool) -> None:
    """Write the files of a job that is done."""
    row = result.as_json() | {"is_baseline": is_baseline}

    def measures(file: BinaryIO) -> None:
        np.savez_compressed(file, ndcg=result.per_user["ndcg"], recall=result.per_user["recall"])

    _write(queue / f"{job.name}.npz", measures)
    _keep_row(queue, job, row)


def keep_failure(queue: Path, job: Job, *, reason: str) -> None:
    """Write that a job failed, for the table; it is tried again."""
    _keep_row(queue, job, {"error": reason})


def finished(queue: Path) -> list[Outcome]:
    """Return what is in the folder, by name.

    Raises:
        BadQueue: a file was changed by others.
    """
    return [_outcome(path) for path in sorted(queue.glob("*.json"))]


def _outcome(path: Path) -> Outcome:
    row = _read(path)
    nothing = np.empty(0)
    try:
        job = Job(**row.pop("job"))
        error = row.get("error", "")
        if error:
            return Outcome(job, row, error, nothing, nothing)
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
            return Outcome(job, row, "", arrays["ndcg"], arrays["recall"])
    except (KeyError, TypeError, ValueError, OSError) as damage:
        raise BadQueue(f"{path} is damaged. Delete it; its job is then done anew.") from damage


def _read(path: Path) -> dict[str, Any]:
    try:
        row = json.loads(path.read_text())
    except ValueError as damage:
        raise BadQueue(f"{path} is damaged. Delete it; its job is then done anew.") from damage
    if not isinstance(row, dict):
        raise BadQueue(f"{path} is no job's. Keep the folder of jobs for them alone.")
    return row


def _keep_row(queue: Path, job: Job, row: dict[str, Any]) -> None:
    full = {"job": asdict(job), "finished_at": datetime.now(UTC).isoformat()} | row
    text = json.dumps(full, indent=2) + "\n"
    _write(queue / f"{job.name}.json", lambda file: file.write(text.encode()))


def _write(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Write a file beside and put it in its place when it is whole, on the disk too."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        fill(file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
