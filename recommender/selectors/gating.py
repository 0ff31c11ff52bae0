"""What the gate knows of a publication beside what serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection
from django.db.models import Q

from interests.models import RunState, TrainingRun
from recommender.evaluation import gates
from recommender.evaluation.gates import Accuracy, Check, Standing
from recommender.models import EvaluationRun, MetricValue, PairedTest, PublicationRun, Serving
from recommender.selectors import publications

# People whose top tens are looked at: enough to see a list collapse.
NUM_SAMPLED = 1_000
NETWORK = "interest_network"

# Somebody with a slate in only one of the two gets nothing from the other.
EMPTY = """
    WITH both_of AS (
        SELECT end_user_id,
            bool_or(publication_id = %(candidate)s AND items <> '{}') AS has_new,
            bool_or(publication_id = %(serving)s AND items <> '{}') AS has_old
        FROM recommender_slate WHERE publication_id IN (%(candidate)s, %(serving)s)
        GROUP BY end_user_id
    )
    SELECT count(*), count(*) FILTER (WHERE has_old AND NOT has_new),
        count(*) FILTER (WHERE NOT has_new), count(*) FILTER (WHERE NOT has_old)
    FROM both_of
"""
COVERED = """
    SELECT count(DISTINCT item) FROM recommender_slate, unnest(items[1:%(top)s]) AS shown(item)
    WHERE publication_id = %(publication)s AND end_user_id = ANY(%(people)s)
"""


@dataclass(frozen=True)
class Gate:
    """What the gate says of a publication.

    Attributes:
        against: the publication that served when it was asked, None where none did
    """

    against: int | None
    checks: tuple[Check, ...]

    @property
    def is_open(self) -> bool:
        """Tell whether the publication may serve."""
        return all(check.is_met for check in self.checks)

    @property
    def reasons(self) -> list[str]:
        """Say why not."""
        return [check.said for check in self.checks if not check.is_met]

    def to_results(self) -> dict[str, Any]:
        """Return it as plain values, for the results of the publication."""
        return asdict(self)

    @classmethod
    def from_results(cls, results: dict[str, Any]) -> Gate | None:
        """Return what was kept with a publication, None where it was made before there was a gate."""
        kept = results.get("gate")
        if not kept:
            return None
        return cls(kept["against"], tuple(Check(**check) for check in kept["checks"]))


def judge(candidate: PublicationRun) -> Gate:
    """Return what the gate says now; where nothing else serves there is nothing to lose, and it is open."""
    serving = Serving.objects.select_related("publication__training_run").first()
    if serving is None or serving.publication_id == candidate.pk:
        return Gate(None, ())
    standing = standing_of(candidate, serving.publication)
    found = accuracy(candidate, serving.publication)
    return Gate(serving.publication_id, tuple(gates.checks(standing, found)))


def standing_of(candidate: PublicationRun, serving: PublicationRun) -> Standing:
    """Return what the slates of both come to; six queries."""
    people = publications.sample_of(serving, size=NUM_SAMPLED, seed=candidate.pk)
    with connection.cursor() as cursor:
        cursor.execute(EMPTY, {"candidate": candidate.pk, "serving": serving.pk})
        num_end_users, num_losing, num_empty, num_empty_serving = cursor.fetchone()
    return Standing(
        num_end_users=num_end_users,
        num_losing=num_losing,
        num_empty=num_empty,
        num_empty_serving=num_empty_serving,
        num_items=_covered(candidate, people),
        num_items_serving=_covered(serving, people),
        num_sampled=len(people),
    )


def _covered(publication: PublicationRun, people: list[int]) -> int:
    """Return how many different items stand in the top tens of some people."""
    with connection.cursor() as cursor:
        cursor.execute(
            COVERED, {"publication": publication.pk, "people": people, "top": publications.TOP}
        )
        return int(cursor.fetchone()[0])


def accuracy(candidate: PublicationRun, serving: PublicationRun) -> Accuracy | None:
    """Return NDCG of both from the best source there is, None where nothing measured both.

    Two algorithms: the newest evaluation that compared them, by its paired interval. One algorithm of two
    trainings: their own newest evaluations on the same split; before the candidate has one, what each
    training measured on its validation, if that is of the network that serves.
    """
    if candidate.algorithm != serving.algorithm:
        return _paired(candidate.algorithm, serving.algorithm)
    if candidate.training_run_id == serving.training_run_id:
        return None
    return _evaluated(candidate, serving) or _validated(candidate, serving)


def _paired(first: str, second: str) -> Accuracy | None:
    pair = Q(first=first, second=second) | Q(first=second, second=first)
    tests = PairedTest.objects.filter(pair, evaluation_run__state=RunState.DONE)
    test = tests.order_by("-evaluation_run__finished_at").select_related("evaluation_run").first()
    if test is None:
        return None
    run = test.evaluation_run
    values = MetricValue.objects.filter(
        evaluation_run=run, metric=f"ndcg@{run.k}", segment="all", algorithm__in=[first, second]
    )
    ndcg = dict(values.values_list("algorithm", "value"))
    if len(ndcg) < 2:
        return None
    low, high = (test.low, test.high) if test.first == first else (-test.high, -test.low)
    source = f"evaluation {run.pk}, {run.split}, the same end users"
    return Accuracy(ndcg[first], ndcg[second], low, high, source)


def _evaluated(candidate: PublicationRun, serving: PublicationRun) -> Accuracy | None:
    for split in EvaluationRun.Split.values:
        sides = [_newest(publication, split) for publication in (candidate, serving)]
        known = [side for side in sides if side is not None]
        if len(known) == len(sides) and known[0].metric == known[1].metric:
            halves = [_with_half(value) for value in known]
            runs = " and ".join(str(value.evaluation_run_id) for value in known)
            return gates.independent(*halves, source=f"evaluations {runs}, {split}")
    return None


def _newest(publication: PublicationRun, split: str) -> MetricValue | None:
    values = MetricValue.objects.filter(
        evaluation_run__training_run=publication.training_run_id,
        evaluation_run__state=RunState.DONE,
        evaluation_run__split=split,
        algorithm=publication.algorithm,
        metric__startswith="ndcg@",
        segment="all",
    )
    return values.order_by("-evaluation_run__finished_at").first()


def _with_half(value: MetricValue) -> tuple[float, float]:
    if value.low is None or value.high is None:
        return value.value, gates.widest_half(value.value, num_users=value.num_users)
    return value.value, (value.high - value.low) / 2


def _validated(candidate: PublicationRun, serving: PublicationRun) -> Accuracy | None:
    if candidate.algorithm != NETWORK:
        return None
    sides = [_validation(one.training_run) for one in (candidate, serving)]
    known = [side for side in sides if side is not None]
    if len(known) < len(sides):
        return None
    trainings = f"validation of trainings {candidate.training_run_id} and {serving.training_run_id}"
    return gates.independent(*known, source=trainings)


def _validation(training: TrainingRun) -> tuple[float, float] | None:
    results = training.results or {}
    ndcg = (results.get("validation") or {}).get("ndcg@10")
    num_users = results.get("validation_users")
    if ndcg is None or not num_users:
        return None
    return ndcg, gates.widest_half(ndcg, num_users=num_users)


def held(*, limit: int = 5) -> Sequence[PublicationRun]:
    """Return publications that are done and held, newest first; one query."""
    rows = PublicationRun.objects.filter(state=RunState.DONE, held_at__isnull=False)
    return list(rows.order_by("-pk")[:limit])
