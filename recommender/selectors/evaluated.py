"""What the evaluations of the site's events say of an algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interests.models import RunState
from recommender.models import EvaluationRun

# With an algorithm's results: somebody had chosen its settings, so that the evaluation chose none.
GIVEN = "settings_given"


@dataclass(frozen=True)
class ChosenOnValidation:
    """With which settings an algorithm did best, as plain values, and in which evaluation."""

    run_id: int
    settings: Mapping[str, Any]


def chosen_on_validation(algorithm: str) -> ChosenOnValidation | None:
    """Return what the newest finished evaluation chose for an algorithm; at most two queries.

    Leave-one-out comes before time. An evaluation that was given the settings has chosen nothing: somebody
    may have taken them back.
    """
    done = EvaluationRun.objects.filter(
        state=RunState.DONE, results__algorithms__has_key=algorithm
    ).exclude(results__contains={"algorithms": {algorithm: {GIVEN: True}}})
    for split in EvaluationRun.Split.values:
        newest = done.filter(split=split).order_by("-finished_at", "-pk")
        run = newest.values_list("pk", "results").first()
        if run is not None:
            pk, results = run
            return ChosenOnValidation(pk, results["algorithms"][algorithm].get("settings") or {})
    return None
