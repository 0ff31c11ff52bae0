"""Choose settings on validation, fit, ask the test once, measure.

Legend: N items.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms import ALWAYS, lessons, saving
from recommender.algorithms.fixed import unfixed
from recommender.algorithms.fusing import Fusion, FusionSettings
from recommender.algorithms.protocol import Algorithm, CannotFit, Fitted, Report, event_counts
from recommender.evaluation import answers, drifting, metrics, newcomers, results
from recommender.evaluation.answers import Answer, Request
from recommender.evaluation.results import Result
from recommender.evaluation.splits import Questions, Split

# Settings differ by more than the noise of so many users; asking more would only take longer.
MAX_VALIDATION_USERS = 10_000
# How an algorithm's share of the progress is divided: choosing, fitting, the rest answering.
CHOSEN_AT, FITTED_AT = 0.4, 0.9


@dataclass(frozen=True)
class _Candidate:
    """An algorithm with the settings that did best on validation, and its fit where it can stay."""

    algorithm: Algorithm
    settings: Any
    fitted: Fitted | None = None
    validation_ndcg: float | None = None
    fit_seconds: float = 0.0
    choose_seconds: float = 0.0


@dataclass(frozen=True)
class _Finished:
    candidate: _Candidate
    answer: Answer
    strangers: Answer | None
    # From shuffled histories, of what reads their order.
    shuffled: Answer | None
    memory_bytes: int
    newcomers: dict[str, dict[str, NDArray[np.float64]]]


@dataclass(frozen=True)
class _Member:
    """What was fitted with the settings that were chosen: for validation, if it was, and for the test."""

    candidate: _Candidate
    for_validation: Fitted | None
    for_test: Fitted


@dataclass(frozen=True)
class _Kept:
    """Fits that something mixes: these stay in memory, so that none is done twice. names: of algorithms"""

    names: frozenset[str]
    members: dict[str, _Member] = field(default_factory=dict)


def run(
    split: Split,
    *,
    algorithms: Sequence[Algorithm],
    request: Request,
    report: Report | None = None,
    unfitted: dict[str, str] | None = None,
) -> list[Result]:
    """Evaluate algorithms on one split; results come in the order given.

    Args:
        unfitted: takes the names of algorithms that cannot be fitted on this log, and why; the others'
            results come all the same.

    Raises:
        CannotFit: one of the algorithms cannot be fitted and there is no `unfitted`, or none can of those
            that were asked for.
    """
    ties = metrics.tie_order(split.fit.num_items, seed=request.seed)
    kept = _Kept(frozenset(name for one in algorithms for name in _members(one)))
    finished = []
    for position, algorithm in enumerate(algorithms):
        tell = _part_of(report, algorithm.name, position, len(algorithms))
        try:
            finished.append(
                _finish(algorithm, split, request=request, ties=ties, kept=kept, report=tell)
            )
        except CannotFit as error:
            if unfitted is None:
                raise
            unfitted[algorithm.name] = str(error)
        tell("answered", 1.0)
    _insist_on_some(algorithms, unfitted or {})
    return _results(split, finished, request=request)


def _finish(
    algorithm: Algorithm,
    split: Split,
    *,
    request: Request,
    ties: NDArray[np.int64],
    kept: _Kept,
    report: Report,
) -> _Finished:
    """Choose, fit and ask one algorithm."""
    mixes = unfixed(algorithm)
    if isinstance(mixes, Fusion):
        candidate, fitted = _mix(
            mixes, algorithm.grid()[0], split,
            request=request, ties=ties, kept=kept, report=report,
        )  # fmt: skip
    else:
        one = _chosen_and_fitted(
            algorithm, split, request=request, ties=ties, kept=kept, report=report
        )
        candidate, fitted = one.candidate, one.for_test
    report("answering", FITTED_AT)
    answer = answers.ask(fitted, split.test, request=request, ties=ties)
    new = split.new_users
    is_asked = new is not None and new.num_users > 0
    strangers = answers.ask(fitted, new, request=request, ties=ties) if is_asked and new else None
    shuffled = (
        answers.ask(
            fitted, drifting.shuffled(split.test, seed=request.seed), request=request, ties=ties
        )
        if getattr(algorithm, "reads_order", False)
        else None
    )
    cold = newcomers.ask(fitted, split, request=request, ties=ties)
    return _Finished(candidate, answer, strangers, shuffled, saving.num_bytes(fitted), cold)


def _insist_on_some(algorithms: Sequence[Algorithm], unfitted: dict[str, str]) -> None:
    """Refuse a comparison in which nothing that was asked for is left: popular items come by themselves."""
    names = [one.name for one in algorithms]
    asked = [name for name in names if name not in ALWAYS] or names
    if asked and all(name in unfitted for name in asked):
        raise CannotFit(" ".join(unfitted[name] for name in asked))


def _part_of(report: Report | None, name: str, position: int, total: int) -> Report:
    def tell(step: str, share: float) -> None:
        if report:
            report(f"{name}: {step}", (position + min(share, 1.0)) / total)

    return tell


def _members(algorithm: Algorithm) -> tuple[str, ...]:
    """Return the names of what an algorithm mixes."""
    if not isinstance(unfixed(algorithm), Fusion):
        return ()
    return tuple(name for settings in algorithm.grid() for name in settings.members)


def _chosen_and_fitted(
    algorithm: Algorithm,
    split: Split,
    *,
    request: Request,
    ties: NDArray[np.int64],
    kept: _Kept,
    report: Report,
) -> _Member:
    """Choose and fit what mixes nothing, unless something has asked for it before."""
    name = algorithm.name
    if name in kept.members:
        return kept.members[name]
    if request.has_repeats and not getattr(algorithm, "knows_repeats", True):
        raise CannotFit(
            f"{name} learns from first choices alone and cannot tell what is chosen again. Leave it out, or ask "
            "without repeats."
        )
    chosen = _choose(algorithm, split, request=request, ties=ties, report=report)
    candidate, fitted = _fit_for_test(chosen, split, request=request, report=report)
    for_validation = fitted if split.validation_fit is split.fit else chosen.fitted
    member = _Member(candidate, for_validation, fitted)
    if name in kept.names:
        kept.members[name] = member
    return member


def _mix(
    algorithm: Fusion,
    settings: FusionSettings,
    split: Split,
    *,
    request: Request,
    ties: NDArray[np.int64],
    kept: _Kept,
    report: Report,
) -> tuple[_Candidate, Fitted]:
    """Learn on validation how to mix members that were fitted for it, and mix those fitted for the test.

    Its seconds are those of its members and its own: what it takes alone.
    """
    used, first, last, said = [], {}, {}, []
    for index, name in enumerate(settings.members):
        report(f"member {name}", FITTED_AT * index / len(settings.members))
        try:
            one = _chosen_and_fitted(
                algorithm.member(name), split, request=request, ties=ties, kept=kept,
                report=lambda step, share: None,
            )  # fmt: skip
            first[name] = one.for_validation or _fit(
                one.candidate.algorithm, one.candidate.settings, split.validation_fit, request=request
            )[0]  # fmt: skip
            kept.members[name] = replace(one, for_validation=first[name])
        except CannotFit as error:
            said.append(str(error))
            continue
        last[name] = one.for_test
        used.append(one.candidate)
    if not used:
        raise CannotFit(f"{algorithm.name} has no member that can be fitted. {' '.join(said)}")
    began = time.perf_counter()
    learned = algorithm.learn(
        first, split.validation, log=split.validation_fit, settings=settings, seed=request.seed
    )
    fitted = algorithm.fuse(first if algorithm.keeps_members else last, learned, log=split.fit)
    seconds = time.perf_counter() - began
    candidate = _Candidate(
        algorithm,
        settings,
        # Mixtures are learned for lists of one length; the value of another would stand under a wrong name.
        validation_ndcg=learned.validation_ndcg if request.k == lessons.K else None,
        fit_seconds=seconds + sum(one.fit_seconds for one in used),
        choose_seconds=sum(one.choose_seconds for one in used),
    )
    return candidate, fitted


def _choose(
    algorithm: Algorithm,
    split: Split,
    *,
    request: Request,
    ties: NDArray[np.int64],
    report: Report,
) -> _Candidate:
    """Try an algorithm's settings on validation, as long as half the budget lasts.

    What is no baseline and has one setting only is not tried: nothing would follow from it. Where one
    fit serves for all settings, all are tried.
    """
    grid = algorithm.grid()
    questions = _some(split.validation, seed=request.seed)
    if not questions.num_users or (len(grid) == 1 and not algorithm.is_baseline):
        return _Candidate(algorithm, grid[0])
    began = time.perf_counter()
    is_limited = request.budget_seconds and not getattr(algorithm, "shares_fits", False)
    tried: list[_Candidate] = []
    for index, settings in enumerate(grid):
        spent = time.perf_counter() - began
        if tried and is_limited and spent > (request.budget_seconds or 0) / 2:
            break
        report("choosing settings", CHOSEN_AT * index / len(grid))
        fitted, seconds = _fit(algorithm, settings, split.validation_fit, request=request)
        answer = answers.ask(fitted, questions, request=request, ties=ties)
        ndcg = float(answer.per_user["ndcg"].mean())
        one = _Candidate(algorithm, settings, fitted, ndcg, seconds)
        # Only the best fit stays in memory; of equals, the usual setting, which comes first.
        tried = sorted([*tried, one], key=lambda each: -(each.validation_ndcg or 0.0))[:1]
    # A fit may have taken over work of another algorithm's, which is told as its own time.
    seconds = max(time.perf_counter() - began - tried[0].fit_seconds, 0.0)
    return replace(tried[0], choose_seconds=seconds)


def _fit_for_test(
    candidate: _Candidate, split: Split, *, request: Request, report: Report
) -> tuple[_Candidate, Fitted]:
    """Return the candidate fitted for the test: as it is where validation was fitted on the same."""
    if candidate.fitted and split.validation_fit is split.fit:
        return replace(candidate, fitted=None), candidate.fitted
    fitted, seconds = _fit(
        candidate.algorithm, candidate.settings, split.fit, request=request, report=report
    )
    # The fit for validation belongs to choosing now.
    choose_seconds = candidate.choose_seconds + candidate.fit_seconds
    return (
        replace(candidate, fitted=None, fit_seconds=seconds, choose_seconds=choose_seconds),
        fitted,
    )


def _fit(
    algorithm: Algorithm,
    settings: Any,
    log: InteractionLog,
    *,
    request: Request,
    report: Report | None = None,
) -> tuple[Fitted, float]:
    def tell(step: str, share: float) -> None:
        if report:
            report(step, CHOSEN_AT + (FITTED_AT - CHOSEN_AT) * share)

    began = time.perf_counter()
    fitted = algorithm.fit(
        log,
        settings=settings,
        seed=request.seed,
        budget_seconds=request.budget_seconds,
        report=tell,
    )
    shared = getattr(fitted, "shared_seconds", 0.0)
    return fitted, time.perf_counter() - began + shared


def _some(questions: Questions, *, seed: int) -> Questions:
    """Draw at most `MAX_VALIDATION_USERS` users."""
    if questions.num_users <= MAX_VALIDATION_USERS:
        return questions
    order = np.random.default_rng(seed).permutation(questions.num_users)
    return questions.keep_users(order < MAX_VALIDATION_USERS)


def _results(split: Split, finished: Sequence[_Finished], *, request: Request) -> list[Result]:
    reference = _best_baseline(finished)
    baseline = reference.candidate.algorithm.name if reference else ""
    item_events = event_counts(split.fit)
    digest = results.targets_sha256(split.test)
    people = drifting.moved(split.fit)
    return [
        Result(
            algorithm=one.candidate.algorithm.name,
            k=request.k,
            settings=asdict(one.candidate.settings),
            validation_ndcg=one.candidate.validation_ndcg,
            segments=results.measure(
                split,
                one.answer,
                one.strangers,
                item_events=item_events,
                people=people,
                request=request,
                newcomers=one.newcomers,
            ),
            baseline=baseline,
            p_values={}
            if reference is None or reference is one
            else results.p_values(one.answer, reference.answer, request=request),
            targets_sha256=digest,
            unfitted_targets=one.answer.unfitted_targets,
            fit_seconds=one.candidate.fit_seconds,
            choose_seconds=one.candidate.choose_seconds,
            score_seconds=one.answer.seconds,
            per_user=one.answer.per_user,
            order=drifting.order_effects(
                one.answer,
                one.shuffled,
                questions=split.test,
                people=people,
                seed=request.seed,
            )
            if one.shuffled
            else {},
            memory_bytes=one.memory_bytes,
            top=one.answer.top,
        )
        for one in finished
    ]


def _best_baseline(finished: Sequence[_Finished]) -> _Finished | None:
    """Return the baseline that did best on validation, the first of equals."""
    baselines = [one for one in finished if one.candidate.algorithm.is_baseline]
    return max(baselines, key=lambda one: one.candidate.validation_ndcg or 0.0, default=None)
