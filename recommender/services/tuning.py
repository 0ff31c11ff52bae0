"""Studies: asked for, kept going, and their best settings put to use. The trials are `studying`'s.

Nothing here needs torch or Optuna, so that pages can ask for a study.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, User

from interests.models import ChosenSettings, RunState
from interests.services import running
from recommender import algorithms
from recommender.models import EvaluationRun, Study, Trial

# A study is worth little with fewer, and more than this are a typing error.
LEAST_TRIALS, MOST_TRIALS = 2, 1_000
MOST_AT_ONCE = 256
# What one trial may take for its fit when the study does not say.
BUDGET_SECONDS = 600.0
NETWORK = "interest_network"


class CannotTune(ValueError):
    """The study cannot be asked for like this; the message says what would be right."""


class NothingToUse(ValueError):
    """The study has no settings that could be used; the message says why."""


@dataclass(frozen=True)
class Wanted:
    """How many workers a study lacks; `because` names the reason, so that none is answered twice."""

    study_id: int
    num: int
    because: str


def request(
    *,
    algorithm: str,
    now: datetime,
    sampler: str = Study.Sampler.TPE,
    num_trials: int = 30,
    max_at_once: int = 4,
    split: str = EvaluationRun.Split.LEAVE_ONE_OUT,
    seed: int = 0,
    budget_seconds: float = BUDGET_SECONDS,
    by: AbstractBaseUser | None = None,
) -> Study:
    """Make a study that waits; the caller enqueues it after commit.

    Raises:
        CannotTune: there is no such algorithm, sampler or split, or a number is out of range.
    """
    if algorithm not in algorithms.REGISTRY:
        raise CannotTune(f"There is no algorithm {algorithm!r}.")
    for name, value, known in (
        ("way to search", sampler, Study.Sampler.values),
        ("split", split, EvaluationRun.Split.values),
    ):
        if value not in known:
            raise CannotTune(f"There is no {name} {value!r}. Choose from: {', '.join(known)}.")
    for name, number, least, most in (
        ("trials", num_trials, LEAST_TRIALS, MOST_TRIALS),
        ("trials at once", max_at_once, 1, MOST_AT_ONCE),
    ):
        if not least <= number <= most:
            raise CannotTune(f"From {least} to {most:,} {name} make sense, not {number:,}.")
    if seed < 0 or budget_seconds <= 0:
        raise CannotTune("The seed must be 0 or more, and the time for a trial above 0.")
    if seed > running.MOST_SEED:
        raise CannotTune(f"The seed must be at most {running.MOST_SEED:,}, not {seed:,}.")
    return running.request(
        Study,
        now=now,
        requested_by=by,
        settings={"budget_seconds": budget_seconds},
        seed=seed,
        algorithm=algorithm,
        sampler=sampler,
        num_trials=num_trials,
        max_at_once=max_at_once,
        split=split,
    )


def lacking(*, now: datetime) -> list[Wanted]:
    """Return which studies lack workers: whose trial lost its worker, or at which nobody is at work.

    Trials that lost their worker too often fail here, as runs do.
    """
    running.abandoned(Trial, now=now)
    wanted = []
    for study in Study.objects.filter(state=RunState.STARTED).order_by("pk"):
        trials = study.trials.filter(state=RunState.STARTED)
        lost = trials.filter(lease_expires_at__lt=now).order_by("pk")
        wanted += [
            Wanted(study.pk, 1, f"trial-{pk}-{attempt}")
            for pk, attempt in lost.values_list("pk", "attempt")
        ]
        if not trials.exists():
            wanted.append(Wanted(study.pk, study.max_at_once, "nobody-at-work"))
    return wanted


def use(*, study: Study, now: datetime, by: User | None) -> ChosenSettings:
    """Let the best settings of a study be used from the next training, evaluation or publication on.

    Raises:
        NothingToUse: it has found none that are better than those it began with.
    """
    best = study.results.get("best")
    if study.state not in (RunState.DONE, RunState.STOPPED) or not best:
        raise NothingToUse(f"{study} is {study.state} and has no settings to use.")
    if best["number"] == 0:
        raise NothingToUse(
            f"{study} has found nothing better than the usual settings of {study.algorithm}."
        )
    chosen, _ = ChosenSettings.objects.update_or_create(
        algorithm=study.algorithm,
        defaults={
            "settings": best["params"],
            "study_number": study.pk,
            "chosen_by": by,
            "chosen_at": now,
        },
    )
    return chosen


def use_usual(*, algorithm: str) -> bool:
    """Let the usual settings of an algorithm be used again; return whether others were."""
    num, _ = ChosenSettings.objects.filter(algorithm=algorithm).delete()
    return bool(num)


def where_used(algorithm: str) -> str:
    """Say what the settings of an algorithm are used for."""
    if algorithm == NETWORK:
        return "the next training"
    return "the next evaluation and publication"


def best_so_far(study: Study) -> dict[str, Any] | None:
    """Return the best finished trial of a study as its results hold it, None before there is one."""
    row = (
        study.trials.filter(value__isnull=False)
        .order_by("-value", "number")
        .values("number", "value", "settings")
        .first()
    )
    return row and {"number": row["number"], "ndcg": row["value"], "params": row["settings"]}
