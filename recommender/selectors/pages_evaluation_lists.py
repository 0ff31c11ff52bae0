"""What two algorithms answered for one end user of an evaluation, beside what was seen and what was held out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from interests.models import Item, RunState
from recommender.models import EvaluationList, EvaluationQuestion, EvaluationRun

# More names to choose from would not fit a list that somebody reads.
NUM_SUGGESTED = 200


@dataclass(frozen=True)
class Shown:
    """An item of a list."""

    pk: int
    title: str
    is_hit: bool = False
    is_common: bool = False


@dataclass(frozen=True)
class Event:
    """An item that was chosen before the cut, and when."""

    pk: int
    title: str
    at: datetime


@dataclass(frozen=True)
class Answered:
    """What one algorithm answered."""

    algorithm: str
    ndcg: float
    items: list[Shown]

    @property
    def num_hits(self) -> int:
        """How many of the held-out items are in the list."""
        return sum(item.is_hit for item in self.items)


@dataclass(frozen=True)
class Comparison:
    """Two answers to one question."""

    user_id: str
    end_user_id: int
    num_events: int
    seen: list[Event]
    targets: list[Shown]
    first: Answered
    second: Answered
    num_common: int


@dataclass(frozen=True)
class Choices:
    """What may be compared in an evaluation."""

    run_id: int
    split: str
    k: int
    finished_at: datetime | None
    algorithms: list[str]
    user_ids: list[str]
    num_users: int


class NotThere(Exception):
    """There is nothing to compare; the message says why."""


def newest_run() -> int | None:
    """Return the newest evaluation that is done; one query."""
    done = EvaluationRun.objects.filter(state=RunState.DONE)
    return done.order_by("-finished_at").values_list("pk", flat=True).first()


def choices(*, run_id: int) -> Choices | None:
    """Return what there is to choose from; None where no such evaluation is done. Four queries."""
    run = EvaluationRun.objects.filter(pk=run_id, state=RunState.DONE).first()
    if run is None:
        return None
    questions = EvaluationQuestion.objects.filter(evaluation_run=run)
    names = questions.order_by("end_user__user_id").values_list("end_user__user_id", flat=True)
    first = questions.order_by("pk").values("pk")[:1]
    lists = EvaluationList.objects.filter(question__in=first)
    return Choices(
        run.pk,
        run.split,
        run.k,
        run.finished_at,
        list(lists.order_by("pk").values_list("algorithm", flat=True)),
        list(names[:NUM_SUGGESTED]),
        questions.count(),
    )


def comparison(*, run_id: int, user_id: str, algorithms: tuple[str, str]) -> Comparison:
    """Return two algorithms' lists for one end user, the first one kept where `user_id` is "". Three queries.

    Raises:
        NotThere: the evaluation kept no list of this end user, or of one of the algorithms.
    """
    questions = EvaluationQuestion.objects.filter(evaluation_run=run_id).select_related("end_user")
    if user_id:
        questions = questions.filter(end_user__user_id=user_id)
    question = questions.order_by("end_user__user_id").first()
    if question is None:
        raise NotThere(
            f"Evaluation {run_id} kept no lists of {user_id}: of those asked about it keeps at most 1,000, "
            "drawn by chance."
            if user_id
            else f"Evaluation {run_id} kept no lists."
        )
    lists = {one.algorithm: one for one in question.lists.filter(algorithm__in=algorithms)}
    missing = [name for name in algorithms if name not in lists]
    if missing:
        raise NotThere(f"Evaluation {run_id} has no lists of {missing[0]}.")
    first, second = (lists[name] for name in algorithms)
    titles = _titles([*question.seen, *question.targets, *first.items, *second.items])
    common = set(first.items) & set(second.items)
    targets = set(question.targets)

    def shown(keys: Sequence[int]) -> list[Shown]:
        return [Shown(key, titles.get(key, ""), key in targets, key in common) for key in keys]

    return Comparison(
        user_id=question.end_user.user_id,
        end_user_id=question.end_user_id,
        num_events=question.num_events,
        seen=[
            Event(key, titles.get(key, ""), at)
            for key, at in zip(question.seen, question.seen_at, strict=True)
        ],
        targets=[
            Shown(key, titles.get(key, ""), key in first.items or key in second.items)
            for key in question.targets
        ],
        first=Answered(first.algorithm, first.ndcg, shown(first.items)),
        second=Answered(second.algorithm, second.ndcg, shown(second.items)),
        num_common=len(common),
    )


def _titles(keys: Iterable[int]) -> dict[int, str]:
    rows = Item.objects.filter(pk__in=set(keys)).values_list("pk", "title", "item_id")
    return {key: title or item_id for key, title, item_id in rows}
