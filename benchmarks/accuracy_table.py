"""The table of `benchmarks.accuracy`: jobs that are done -> lines of Markdown between two marks.

Legend: b end users.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy_jobs import Job, Outcome
from recommender import algorithms
from recommender.evaluation import significance

BEGIN, END = "<!-- accuracy: written by benchmarks.accuracy -->", "<!-- /accuracy -->"
HEADER = (
    "algorithm", "NDCG", "recall", "p", "seeds", "spread", "validation", "fit min", "choosing min",
    "settings",
)  # fmt: skip
# Of the intervals and tests: the same for every table.
SEED = 0


class CannotWrite(Exception):
    """The table has no place, or its jobs do not go together; the message says what to do."""


@dataclass(frozen=True)
class Row:
    """One algorithm over its seeds. `ndcg`, `recall`: means over seeds for each end user. [b]"""

    algorithm: str
    is_baseline: bool
    validation_ndcg: float | None
    outcomes: tuple[Outcome, ...]
    ndcg: NDArray[np.float64]
    recall: NDArray[np.float64]


def write(document: Path, outcomes: Sequence[Outcome]) -> None:
    """Put the table of all outcomes between the marks of a document.

    Raises:
        CannotWrite: the document has no marks, or jobs of one table were asked different questions.
    """
    text = document.read_text() if document.exists() else ""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise CannotWrite(
            f"{document} has no place for the table: add the lines {BEGIN} and {END}."
        )
    body = "\n".join(lines(outcomes))
    part = document.with_name(f"{document.name}.part")
    part.write_text(f"{before}{BEGIN}\n{body}\n{END}{after}")
    os.replace(part, document)


def lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the lines: a heading and a table for each data set, split and way of asking."""
    if not outcomes:
        yield "No job is done yet."
    ordered = sorted(outcomes, key=lambda one: _group(one.job))
    for _, group in groupby(ordered, key=lambda one: _group(one.job)):
        yield from _table(list(group))


def _group(job: Job) -> tuple[str, str, str, int, float]:
    return Path(job.data).name, job.split, job.ties, job.k, job.budget_seconds or 0.0


def _table(outcomes: list[Outcome]) -> Iterator[str]:
    done = [one for one in outcomes if not one.error]
    job = outcomes[0].job
    hashes = {one.row["targets_sha256"] for one in done}
    if len(hashes) > 1:
        raise CannotWrite(
            f"Jobs on {Path(job.data).name}, {job.split}, were asked different questions: the data changed "
            "between them. Delete those of the older data, or use another folder."
        )
    rows = _rows(done)
    reference = _best_baseline(rows)
    budget = f"{job.budget_seconds / 60:g} minutes a fit" if job.budget_seconds else "no time limit"
    asked = (
        f"{len(rows[0].ndcg):,} end users, targets {min(hashes)[:12]}" if rows else "nothing done"
    )
    yield ""
    yield f"**{Path(job.data).name}, {job.split}**, @{job.k}, ties {job.ties}, {budget}; {asked}"
    yield ""
    yield f"| {' | '.join(HEADER)} |"
    yield "|---" * len(HEADER) + "|"
    for row in rows:
        yield f"| {' | '.join(_cells(row, reference))} |"
    failed = [one for one in outcomes if one.error]
    if failed:
        yield ""
    for one in failed:
        yield f"- {one.job.algorithm}, seed {one.job.seed}, failed: {one.error}"


def _rows(done: Sequence[Outcome]) -> list[Row]:
    """Return one row for each algorithm, in the registry's order."""
    found = []
    for name in algorithms.names():
        own = sorted((o for o in done if o.job.algorithm == name), key=lambda o: o.job.seed)
        if not own:
            continue
        chosen = [one.row["validation_ndcg"] for one in own]
        found.append(
            Row(
                algorithm=name,
                is_baseline=own[0].row["is_baseline"],
                validation_ndcg=None if None in chosen else float(np.mean(chosen)),
                outcomes=tuple(own),
                ndcg=np.mean([one.ndcg for one in own], axis=0),
                recall=np.mean([one.recall for one in own], axis=0),
            )
        )
    return found


def _best_baseline(rows: Sequence[Row]) -> Row | None:
    """Return the baseline that did best on validation, the first of equals."""
    baselines = [row for row in rows if row.is_baseline]
    return max(baselines, key=lambda row: row.validation_ndcg or 0.0, default=None)


def _cells(row: Row, reference: Row | None) -> list[str]:
    means = [float(one.ndcg.mean()) for one in row.outcomes]
    fits = [one.row["fit_seconds"] / 60 for one in row.outcomes]
    chose = [one.row["choose_seconds"] / 60 for one in row.outcomes]
    several = len(means) > 1
    return [
        row.algorithm,
        _with_interval(row.ndcg),
        _with_interval(row.recall),
        _p(row, reference),
        str(len(means)),
        f"{np.std(means, ddof=1):.4f}" if several else "",
        "" if row.validation_ndcg is None else f"{row.validation_ndcg:.4f}",
        f"{np.mean(fits):.2f}",
        f"{np.mean(chose):.2f}",
        _settings(row),
    ]


def _with_interval(values: NDArray[np.float64]) -> str:
    low, high = significance.bootstrap_interval(values, seed=SEED)
    return f"{values.mean():.4f} ± {(high - low) / 2:.4f}"


def _p(row: Row, reference: Row | None) -> str:
    if reference is None:
        return ""
    if row is reference:
        return "baseline"
    return f"{significance.paired_p_value(row.ndcg, reference.ndcg, seed=SEED):.4f}"


def _settings(row: Row) -> str:
    """Return the settings of the first seed, and say if other seeds chose others."""
    chosen = [one.row["settings"] for one in row.outcomes]
    said = ", ".join(
        f"{name} {value}" for name, value in chosen[0].items() if value not in ({}, None)
    )
    differ = any(other != chosen[0] for other in chosen)
    return f"{said}{' (seeds differ)' if differ else ''}"
