"""What a study tries next, which trial is hopeless, and which settings matter: Optuna on plain values.

Optuna keeps nothing here. Each question is answered from the trials so far, which the caller has: rows of
the database, or a list.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from recommender.algorithms import spaces
from recommender.algorithms.spaces import Choice, Dimension, Space, Whole
from recommender.evaluation.trials import FIRST_SAMPLE

optuna.logging.set_verbosity(optuna.logging.WARNING)

TPE, RANDOM, GRID = "tpe", "random", "grid"
SAMPLERS = (TPE, RANDOM, GRID)
# Trials drawn at random before the others are chosen by them; nothing is ended early before as many.
RANDOM_TRIALS = 8
TRIALS_BEFORE_PRUNING = 5
# The first passes of a fit say little about the last.
PASSES_BEFORE_PRUNING = 2
# A forest of fewer tells chance from influence badly.
TRIALS_FOR_IMPORTANCE = 8
WHEN = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Tried:
    """A trial as the search sees it.

    Attributes:
        params: values within the space; settings that lie outside of it have none
        value: NDCG on validation, None where it is at work, was ended early or failed
        reached: values on the way: step and how good
    """

    params: Mapping[str, Any]
    value: float | None = None
    is_running: bool = False
    is_pruned: bool = False
    reached: Sequence[tuple[int, float]] = field(default=())


def num_possible(space: Space, *, sampler: str, num_trials: int) -> int:
    """Return how many trials make sense: a grid may have fewer points than asked for; the start is one more."""
    if sampler != GRID:
        return num_trials
    return min(num_trials, 1 + len(spaces.grid_points(space, num=num_trials - 1)))


def suggest(
    space: Space,
    tried: Sequence[Tried],
    *,
    sampler: str,
    seed: int,
    number: int,
    num_trials: int,
) -> dict[str, Any]:
    """Return the values to try next, in trial `number`, from 1; trial 0 is that of the start settings.

    By `tpe` they depend on the trials so far; by `random` and `grid` on the seed and the number alone.
    """
    if sampler == GRID:
        points = spaces.grid_points(space, num=num_trials - 1)
        random.Random(seed).shuffle(points)
        return points[(number - 1) % len(points)]
    # Each draw has a seed of its own, so that a study that another process goes on with repeats nothing.
    own_seed = random.Random(f"{seed} {number}").randrange(2**31)
    chosen = (
        optuna.samplers.RandomSampler(seed=own_seed)
        if sampler == RANDOM
        else optuna.samplers.TPESampler(
            seed=own_seed, n_startup_trials=RANDOM_TRIALS, constant_liar=True
        )
    )
    study = _study(space, tried, chosen)
    asked = study.ask(dict(_distributions(space)))
    return {name: _from_optuna(space[name], value) for name, value in asked.params.items()}


def is_hopeless(tried: Sequence[Tried], reached: Sequence[tuple[int, float]]) -> bool:
    """Tell whether a trial does worse than the median of the finished ones did at the same step.

    Args:
        tried: the other trials
        reached: its own values so far, the last one new
    """
    step = reached[-1][0]
    pruner = optuna.pruners.MedianPruner(
        n_startup_trials=TRIALS_BEFORE_PRUNING,
        n_warmup_steps=PASSES_BEFORE_PRUNING,
        n_min_trials=TRIALS_BEFORE_PRUNING,
    )
    others = [
        _frozen(number, one, {}, reached=_comparable(one.reached, step))
        for number, one in enumerate(tried)
        if one.value is not None
    ]
    own = Tried({}, is_running=True)
    trial = _frozen(len(others), own, {}, reached=_comparable(reached, step))
    study = optuna.create_study(direction="maximize")
    study.add_trials(others)
    return pruner.prune(study, trial)


def importances(space: Space, tried: Sequence[Tried], *, seed: int) -> dict[str, float]:
    """Return the share of the variance of finished trials that each setting explains, by fANOVA.

    Empty where there are too few trials, or all came to the same. Of several settings that move together the
    interplay belongs to none, so that the shares are what is left, scaled to 1. See Hutter, Hoos and
    Leyton-Brown, ICML 2014.
    """
    finished = [one for one in tried if one.value is not None and set(one.params) == set(space)]
    values = {one.value for one in finished}
    if len(finished) < TRIALS_FOR_IMPORTANCE or len(values) < 2 or not space:
        return {}
    study = _study(space, finished, optuna.samplers.RandomSampler(seed=seed))
    found = optuna.importance.get_param_importances(
        study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=seed)
    )
    return {name: float(share) for name, share in found.items()}


def _comparable(reached: Sequence[tuple[int, float]], step: int) -> dict[int, float]:
    """Return the values that may be held against one of a step.

    After a pass, the best of all passes so far counts; of samples the one of the same end users alone.
    """
    if step >= FIRST_SAMPLE:
        return {at: value for at, value in reached if at == step}
    return {at: value for at, value in reached if at < FIRST_SAMPLE}


def _study(
    space: Space, tried: Sequence[Tried], sampler: optuna.samplers.BaseSampler
) -> optuna.Study:
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.add_trials(
        _frozen(number, one, space, reached=dict(one.reached))
        for number, one in enumerate(tried)
        # One that was ended early tells where not to look.
        if one.is_running or one.is_pruned or one.value is not None
    )
    return study


def _frozen(number: int, one: Tried, space: Space, *, reached: Mapping[int, float]) -> FrozenTrial:
    known = {name: value for name, value in one.params.items() if name in space}
    state = (
        TrialState.RUNNING
        if one.is_running
        else TrialState.PRUNED
        if one.is_pruned
        else TrialState.COMPLETE
    )
    return FrozenTrial(
        number=number,
        trial_id=number,
        state=state,
        value=one.value,
        datetime_start=WHEN,
        datetime_complete=None if one.is_running else WHEN,
        params={name: _to_optuna(space[name], value) for name, value in known.items()},
        distributions={name: _distributions(space)[name] for name in known},
        user_attrs={},
        system_attrs={},
        intermediate_values=dict(reached),
    )


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    return {name: _distribution(dimension) for name, dimension in space.items()}


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension, Choice):
        return CategoricalDistribution([json.dumps(value) for value in dimension.values])
    if isinstance(dimension, Whole):
        return IntDistribution(dimension.low, dimension.high, log=dimension.is_log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.is_log)


def _to_optuna(dimension: Dimension, value: Any) -> Any:
    return json.dumps(value) if isinstance(dimension, Choice) else value


def _from_optuna(dimension: Dimension, value: Any) -> Any:
    if not isinstance(dimension, Choice):
        return value
    return next(one for one in dimension.values if json.dumps(one) == value)
