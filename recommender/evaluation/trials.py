"""One trial of a study: settings are fitted on the training part and asked about validation, never the test.

Legend: b end users of validation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender.algorithms.protocol import Algorithm, Report
from recommender.evaluation import answers, metrics
from recommender.evaluation.answers import Request
from recommender.evaluation.splits import CannotSplit, Questions, Split

# More would only take longer: settings differ by more than the noise of so many.
MAX_USERS = 10_000
# Shares of the end users after which a trial is looked at, and how many there are at least the first time.
SHARES = (0.1, 0.3, 1.0)
LEAST_USERS = 100
# Values of before this step are those of passes of a fit; from it on, those of growing samples.
FIRST_SAMPLE = 10_000
FITTED_AT = 0.7

# Hears a value reached on the way: which step, and how good. It may end the trial by raising.
Note = Callable[[int, float], None]


@dataclass(frozen=True)
class Measured:
    """What a trial came to.

    Attributes:
        ndcg: mean NDCG@k over the end users of validation
        num_users: how many those are
    """

    ndcg: float
    num_users: int
    fit_seconds: float
    ask_seconds: float


class Listener:
    """The report of a fit, which also hears how good it is after each pass."""

    def __init__(self, report: Report, note: Note) -> None:
        self._report, self._note = report, note

    def __call__(self, step: str, share_done: float) -> None:
        self._report(step, FITTED_AT * min(share_done, 1.0))

    def measured(self, number: int, value: float) -> None:
        self._note(number, value)


def measure(
    algorithm: Algorithm,
    settings: Any,
    split: Split,
    *,
    request: Request,
    note: Note,
    report: Report,
) -> Measured:
    """Fit with some settings, and ask about larger and larger samples of validation, the same each time.

    Raises:
        CannotFit: the settings, or the data, do not allow it.
        CannotSplit: nobody is left to validate on.
    """
    parts = samples(split.validation, seed=request.seed)
    ties = metrics.tie_order(split.validation_fit.num_items, seed=request.seed)
    began = time.perf_counter()
    fitted = algorithm.fit(
        split.validation_fit,
        settings=settings,
        seed=request.seed,
        budget_seconds=request.budget_seconds,
        report=Listener(report, note),
    )
    fit_seconds, began = time.perf_counter() - began, time.perf_counter()
    found: list[float] = []
    num_users = sum(part.num_users for part in parts)
    for index, part in enumerate(parts):
        report("answering", FITTED_AT + (1 - FITTED_AT) * len(found) / num_users)
        answer = answers.ask(fitted, part, request=request, ties=ties)
        found.extend(answer.per_user["ndcg"].tolist())
        if index < len(parts) - 1:
            note(FIRST_SAMPLE + index, float(np.mean(found)))
    return Measured(float(np.mean(found)), num_users, fit_seconds, time.perf_counter() - began)


def samples(questions: Questions, *, seed: int) -> list[Questions]:
    """Return the end users of validation in parts of growing size, drawn from the seed; nobody is in two.

    Raises:
        CannotSplit: there is nobody.
    """
    if not questions.num_users:
        raise CannotSplit(
            "Nobody is left to validate on, so no settings can be compared. Bring more events."
        )
    order = np.random.default_rng(seed).permutation(questions.num_users)[:MAX_USERS]
    ends = [max(round(share * len(order)), LEAST_USERS) for share in SHARES]
    ends = sorted({min(end, len(order)) for end in ends})
    parts = []
    for first, last in zip([0, *ends], ends, strict=False):
        kept = np.zeros(questions.num_users, np.bool_)  # [b]
        kept[order[first:last]] = True
        parts.append(questions.keep_users(kept))
    return parts
