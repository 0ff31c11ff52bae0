"""What comes out of an evaluation: numbers with intervals, tests and segments.

Legend: b end users asked about, T targets, N items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation import metrics, segments, significance
from recommender.evaluation.answers import Answer, Request
from recommender.evaluation.drifting import Moved, OrderEffect
from recommender.evaluation.splits import Questions, Split

# A mean of one user has no interval.
MIN_USERS_FOR_INTERVALS = 2


@dataclass(frozen=True)
class Measured:
    """Numbers over some users: key such as "ndcg@10" -> value, and its 95 % interval if it has one."""

    num_users: int
    values: dict[str, float]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """One algorithm's evaluation.

    Attributes:
        k: length of the lists
        settings: those chosen on validation
        validation_ndcg: of those settings, for lists of k; None where there was nothing to choose, or it is
            known for lists of another length only: fusions learn for tens
        segments: `segments.ALL` and its parts
        baseline: the one that did best on validation, "" where none was asked
        p_values: per metric, against the baseline; empty for the baseline itself
        unfitted_targets: how many targets lie outside the fitted catalogue: misses
        per_user: each of `metrics.PER_USER` for everybody asked, in order of user. [b]
        order: what shuffled histories cost, for everybody, drifting and stable end users; empty for what
            does not read the order
        memory_bytes: what is fitted takes so much, see `saving.num_bytes`
        top: the lists themselves, indices of items, -1 where there is none, in order of user. [b, k]
    """

    algorithm: str
    k: int
    settings: dict[str, Any]
    validation_ndcg: float | None
    segments: dict[str, Measured]
    baseline: str
    p_values: dict[str, float]
    targets_sha256: str
    unfitted_targets: int
    fit_seconds: float
    choose_seconds: float
    score_seconds: float
    per_user: dict[str, NDArray[np.float64]]
    order: dict[str, OrderEffect] = field(default_factory=dict)
    memory_bytes: int = 0
    top: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 0), np.int32))

    def as_json(self) -> dict[str, Any]:
        """Return the form of `manage.py evaluate --json` (product.md, Commands)."""
        everybody = self.segments[segments.ALL]
        return {
            "algorithm": self.algorithm,
            "metrics": everybody.values,
            "intervals": {key: list(ends) for key, ends in everybody.intervals.items()},
            "p_value": self.p_values.get(f"ndcg@{self.k}"),
            "p_values": self.p_values,
            "baseline": self.baseline,
            "num_users": everybody.num_users,
            "segments": {
                name: {
                    "num_users": part.num_users,
                    "metrics": part.values,
                    "intervals": {key: list(ends) for key, ends in part.intervals.items()},
                }
                for name, part in self.segments.items()
                if name != segments.ALL
            },
            "order": {name: asdict(effect) for name, effect in self.order.items()},
            "settings": self.settings,
            "validation_ndcg": self.validation_ndcg,
            "targets_sha256": self.targets_sha256,
            "unfitted_targets": self.unfitted_targets,
            "fit_seconds": self.fit_seconds,
            "choose_seconds": self.choose_seconds,
            "score_seconds": self.score_seconds,
            "memory_bytes": self.memory_bytes,
        }


def targets_sha256(questions: Questions) -> str:
    """Return the hash of the lines `user<TAB>item`, sorted by their bytes, each ended by a newline."""
    user_ids = questions.histories.user_ids[questions.users[questions.rows]]
    item_ids = questions.histories.catalogue.item_ids[questions.items]
    lines = sorted(f"{u}\t{i}\n".encode() for u, i in zip(user_ids, item_ids, strict=True))
    return sha256(b"".join(lines)).hexdigest()


def measure(
    split: Split,
    answer: Answer,
    strangers: Answer | None,
    *,
    item_events: NDArray[np.int64],
    people: Moved,
    request: Request,
    newcomers: Mapping[str, Mapping[str, NDArray[np.float64]]] | None = None,
) -> dict[str, Measured]:
    """Return the numbers of everybody, of each segment and of new users.

    Coverage is the share of the items with events in the fit that are in somebody's list. New items, which only
    some algorithms list, count neither there nor among all: for those `newcomers` asks.

    Args:
        strangers: what was answered to `split.new_users`
        newcomers: further segments, from `newcomers.ask`
        item_events: events of each item in the fit. [N]
        people: whose interests moved, told from training events.
    """
    everybody = _summary(answer.per_user, request=request)
    everybody.values[f"{metrics.COVERAGE}@{request.k}"] = metrics.coverage(
        answer.top, is_counted=item_events > 0
    )
    parts = {segments.ALL: everybody}
    masks = segments.segments_of_targets(split.test, item_events=item_events, people=people)
    for name, mask in masks.items():
        part = split.test.keep_targets(mask)
        top = answer.top[np.isin(split.test.users, part.users)]
        measured = metrics.per_user(top, rows=part.rows, items=part.items)
        parts[name] = _summary(measured, request=request)
    if strangers:
        parts[segments.NEW_USERS] = _summary(strangers.per_user, request=request)
    for name, per_user in (newcomers or {}).items():
        parts[name] = _summary(per_user, request=request)
    return parts


def p_values(answer: Answer, reference: Answer, *, request: Request) -> dict[str, float]:
    """Return the paired test of each per-user metric against another algorithm's answer."""
    return {
        f"{name}@{request.k}": significance.paired_p_value(
            answer.per_user[name], reference.per_user[name], seed=request.seed
        )
        for name in metrics.PER_USER
    }


def _summary(per_user: Mapping[str, NDArray[np.float64]], *, request: Request) -> Measured:
    keyed = {f"{name}@{request.k}": values for name, values in per_user.items()}
    num_users = len(per_user["ndcg"])
    intervals = {
        key: significance.bootstrap_interval(values, seed=request.seed)
        for key, values in keyed.items()
        if num_users >= MIN_USERS_FOR_INTERVALS
    }
    return Measured(num_users, {key: float(v.mean()) for key, v in keyed.items()}, intervals)
