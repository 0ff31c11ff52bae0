"""What an evaluation keeps beside its numbers: which algorithms differ, and some end users' lists to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from interests.models import EndUser
from interests.selectors.events import DatabaseLog
from recommender.evaluation import pairs
from recommender.evaluation.results import Result
from recommender.evaluation.splits import Questions
from recommender.models import EvaluationList, EvaluationQuestion, EvaluationRun, PairedTest

# Enough to browse; with 60 algorithms these are 60,000 lists.
NUM_QUESTIONS = 1_000
# Events of each of them that are shown beside the lists.
NUM_SEEN = 10
# Evaluations of a split whose lists are kept; numbers are kept for good.
NUM_KEPT_RUNS = 3
ROWS_AT_ONCE = 5_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write(
    run: EvaluationRun, questions: Questions, results: Sequence[Result], *, known: DatabaseLog
) -> None:
    """Store the tests of all pairs and the lists of some end users, drawn by the run's seed.

    Args:
        questions: those that the results answer.
        known: the log that they were cut from, with its keys.
    """
    PairedTest.objects.bulk_create(_tests(run, results), ROWS_AT_ONCE)
    rows = _drawn(questions, known, seed=run.seed)
    kept = EvaluationQuestion.objects.bulk_create(_questions(run, questions, rows, known=known))
    EvaluationList.objects.bulk_create(_lists(kept, rows, results, known=known), ROWS_AT_ONCE)


def clear(run: EvaluationRun) -> None:
    """Remove what a half run left."""
    run.paired_tests.all().delete()
    run.questions.all().delete()


def clear_away(run: EvaluationRun) -> None:
    """Remove the lists of evaluations of the same split that are more than two behind this one."""
    others = EvaluationRun.objects.filter(split=run.split, pk__lte=run.pk)
    with_lists = others.filter(pk__in=EvaluationQuestion.objects.values("evaluation_run"))
    old = list(with_lists.order_by("-pk").values_list("pk", flat=True)[NUM_KEPT_RUNS:])
    EvaluationQuestion.objects.filter(evaluation_run__in=old).delete()


def _tests(run: EvaluationRun, results: Sequence[Result]) -> Iterator[PairedTest]:
    told = {result.algorithm: result.p_values.get(f"ndcg@{run.k}") for result in results}
    values = {result.algorithm: result.per_user["ndcg"] for result in results}
    baseline = results[0].baseline
    for pair in pairs.compare_all(values, seed=run.seed):
        p_value = pair.p_value
        # Against the baseline the table tells the p-value that the command prints, of patterns of its own.
        if baseline in (pair.first, pair.second):
            other = pair.second if pair.first == baseline else pair.first
            p_value = told[other] or p_value
        yield PairedTest(
            evaluation_run=run,
            first=pair.first,
            second=pair.second,
            difference=pair.difference,
            low=pair.low,
            high=pair.high,
            p_value=p_value,
        )


def _drawn(questions: Questions, known: DatabaseLog, *, seed: int) -> NDArray[np.int64]:
    """Return whom to keep, as places among those asked about, ascending; whoever was erased meanwhile is out."""
    order = np.random.default_rng(seed).permutation(questions.num_users)
    rows = np.sort(order[:NUM_QUESTIONS])
    keys = known.user_keys[questions.users[rows]]
    there = EndUser.objects.filter(pk__in=keys.tolist()).select_for_update(no_key=True)
    found = set(there.order_by("pk").values_list("pk", flat=True))
    return rows[[int(key) in found for key in keys]]


def _questions(
    run: EvaluationRun, questions: Questions, rows: NDArray[np.int64], *, known: DatabaseLog
) -> Iterator[EvaluationQuestion]:
    log = questions.histories
    for row in rows:
        user = questions.users[row]
        first, last = int(log.offsets[user]), int(log.offsets[user + 1])
        shown = slice(max(first, last - NUM_SEEN), last)
        targets = questions.items[questions.offsets[row] : questions.offsets[row + 1]]
        yield EvaluationQuestion(
            evaluation_run=run,
            end_user_id=int(known.user_keys[user]),
            num_events=last - first,
            seen=known.item_keys[log.items[shown]][::-1].tolist(),
            seen_at=[EPOCH + timedelta(microseconds=int(at)) for at in log.times[shown][::-1]],
            targets=known.item_keys[targets].tolist(),
        )


def _lists(
    kept: Sequence[EvaluationQuestion],
    rows: NDArray[np.int64],
    results: Sequence[Result],
    *,
    known: DatabaseLog,
) -> Iterator[EvaluationList]:
    for result in results:
        for question, row in zip(kept, rows, strict=True):
            top = result.top[row]
            yield EvaluationList(
                question=question,
                algorithm=result.algorithm,
                items=known.item_keys[top[top >= 0]].tolist(),
                ndcg=float(result.per_user["ndcg"][row]),
            )
