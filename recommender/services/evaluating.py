"""Compare algorithms on the events of the database, and store what came out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from interests.models import RunState
from interests.selectors import events
from interests.selectors.events import DatabaseLog
from interests.services import running
from interests.services.running import CannotRun, Hold
from recommender import algorithms
from recommender.algorithms.protocol import CannotFit
from recommender.evaluation import runner, splits
from recommender.evaluation.answers import BadRequest, Request
from recommender.evaluation.results import Result
from recommender.evaluation.splits import Split
from recommender.models import EvaluationRun, MetricValue
from recommender.selectors import evaluated
from recommender.services import choosing, evaluation_lists, network_options

# What one algorithm may take for its fit when the run does not say.
BUDGET_SECONDS = 600.0
# A training tells of every step; the row of the run is written this often.
REPORT_SECONDS = 1.0
BAD = (algorithms.UnknownAlgorithm, splits.CannotSplit, BadRequest, CannotFit)


def evaluate(*, run_id: int) -> None:
    """Do an evaluation run: every algorithm is fitted anew on the training part of its split.

    The run's `settings` may hold `algorithms` (a list; the usual ones by default), `ties`, `repeats`,
    `request_time` and `budget_seconds`, as the command has them, and `training`: settings of the
    network's training that differ from those of the run's training. The network that serves is never
    asked: it has seen the targets.

    Raises:
        CannotRun: the run asks for what there is not, or there are too few events.
        RunNotClaimed, RunStopped, RunOvertaken: as `running.held` has it.
    """
    with running.held(EvaluationRun, run_id=run_id) as hold:
        run: EvaluationRun = hold.run  # type: ignore[assignment]
        # What a half run left; nobody has seen it, because only runs that are done are read.
        run.metric_values.all().delete()
        evaluation_lists.clear(run)
        try:
            compared = _compare(run, hold)
        except BAD as error:
            raise CannotRun(str(error)) from error
        split, results = compared.split, compared.results
        hold.report("writing", 1.0, **_window(split), targets_sha256=results[0].targets_sha256)
        with transaction.atomic():
            MetricValue.objects.bulk_create(_rows(run, results))
            evaluation_lists.write(run, split.test, results, known=compared.known)
            evaluation_lists.clear_away(run)
            hold.end(RunState.DONE, results=_summary(compared))


@dataclass(frozen=True)
class _Compared:
    """What came of a comparison: `unfitted` says of each algorithm that could not be fitted why.

    `given`: names of the algorithms whose settings somebody had chosen.
    """

    known: DatabaseLog
    split: Split
    results: list[Result]
    unfitted: dict[str, str]
    given: frozenset[str]


def _compare(run: EvaluationRun, hold: Hold) -> _Compared:
    settings = run.settings
    request = Request(
        k=run.k,
        seed=run.seed,
        is_request_time_known=settings.get("request_time", "unknown") == "known",
        has_repeats=bool(settings.get("repeats", False)),
        budget_seconds=float(settings.get("budget_seconds", BUDGET_SECONDS)),
    )
    names = algorithms.chosen_names(settings.get("algorithms", ["usual"]))
    made = [choosing.make(name, **_options(name, run)) for name in names]
    hold.report("reading events", 0.0)
    known = events.interaction_log(
        ties=settings.get("ties", "random"),
        seed=run.seed,
        with_descriptions=True,
        with_attributes=True,
    )
    # One event from the year 9999 would be everybody's "lately", and its person's last.
    log = known.happened_by(run.started_at or run.requested_at).log
    split = splits.split(log, name=run.split, has_repeats=request.has_repeats)
    unfitted: dict[str, str] = {}
    results = runner.run(
        split, algorithms=made, request=request, report=_seldom(hold), unfitted=unfitted
    )
    given = frozenset(one.name for one in made if choosing.is_chosen(one))
    return _Compared(known, split, results, unfitted, given)


def _options(name: str, run: EvaluationRun) -> dict[str, Any]:
    """Return the options of an algorithm: the network is trained as the one that is evaluated was."""
    return network_options.options_of(
        name,
        training=run.training_run,
        max_seconds=float(run.settings.get("budget_seconds", BUDGET_SECONDS)),
        changes=run.settings.get("training", {}),
    )


def _seldom(hold: Hold) -> Any:
    """Return a report that writes at most once a second, so that fast steps do not wait for it."""
    told_at = -REPORT_SECONDS

    def report(step: str, share_done: float) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= REPORT_SECONDS:
            told_at = time.monotonic()
            hold.report(step, share_done)

    return report


def _window(split: Split) -> dict[str, datetime]:
    """Return from when to when the events lie that were learned from."""
    first, last = (int(bound) for bound in (split.fit.times.min(), split.fit.times.max()))
    return {"window_from": _time(first), "window_to": _time(last)}


def _time(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


def _rows(run: EvaluationRun, results: Iterable[Result]) -> Iterator[MetricValue]:
    for result in results:
        for segment, measured in result.segments.items():
            for metric, value in measured.values.items():
                low, high = measured.intervals.get(metric, (None, None))
                yield MetricValue(
                    evaluation_run=run,
                    algorithm=result.algorithm,
                    metric=metric,
                    segment=segment,
                    value=value,
                    low=low,
                    high=high,
                    p_value=result.p_values.get(metric) if segment == "all" else None,
                    num_users=measured.num_users,
                )


def _summary(compared: _Compared) -> dict[str, Any]:
    """Return what the table of numbers does not hold: how it was made and what was left out."""
    split, results = compared.split, compared.results
    return {
        "baseline": results[0].baseline,
        "num_users": split.test.num_users,
        "num_targets": len(split.test.items),
        "left_out": split.left_out,
        "unfitted": compared.unfitted,
        "algorithms": {
            result.algorithm: {
                "settings": result.settings,
                evaluated.GIVEN: result.algorithm in compared.given,
                "validation_ndcg": result.validation_ndcg,
                "unfitted_targets": result.unfitted_targets,
                "fit_seconds": result.fit_seconds,
                "choose_seconds": result.choose_seconds,
                "score_seconds": result.score_seconds,
                "memory_bytes": result.memory_bytes,
                "order": {name: asdict(effect) for name, effect in result.order.items()},
            }
            for result in results
        },
    }
