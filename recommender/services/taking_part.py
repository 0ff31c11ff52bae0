"""Which experiments a request belongs to: read about once a second by each process, then worked out from hashes."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from django.conf import settings
from django.db import DatabaseError

from recommender.models import Experiment, Variant
from recommender.ranking import assigning
from recommender.ranking.assigning import Arm, Trial
from recommender.ranking.rules import Rules

# After a start or a stop the last process follows within this.
KEPT_SECONDS = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Part:
    """What the experiments change about one answer.

    Attributes:
        variants: keys of the variants that have a say
        version, rules: of the placement, None where the live ones hold
        source: "" for a person's own slate, else a `Fallback`
        other_source: what it is interleaved with; None: with nothing
        salt: of the interleaving experiment, for its coins
    """

    variants: tuple[int, ...] = ()
    version: int | None = None
    rules: Rules | None = None
    source: str = ""
    other_source: str | None = None
    salt: str = ""


@dataclass(frozen=True, slots=True)
class _Running:
    trials: Mapping[int, tuple[Trial, ...]]  # by placement
    rules: Mapping[int, Rules]  # by version


NOTHING = Part()
_lock = threading.Lock()
_kept = _Running({}, {})
_read_at = -float("inf")


def part_of(placement_id: int, user_id: str, *, now: datetime) -> Part:
    """Return what the running experiments say about an answer; `NOTHING` for who takes part in none."""
    running = _running()
    trials = running.trials.get(placement_id)
    if not trials or assigning.is_held_out(user_id, share=settings.EXPERIMENT_HOLDOUT):
        return NOTHING
    found = NOTHING
    for trial in trials:
        if assigning.takes_part(trial, user_id, now=now):
            found = _joined(found, trial, user_id, running.rules)
    return found


def forget() -> None:
    """Let the next request read anew, as after a start or stop in this process."""
    global _read_at
    _read_at = -float("inf")


def _joined(part: Part, trial: Trial, user_id: str, rules: Mapping[int, Rules]) -> Part:
    """Return a part with what one more experiment says; those that run together change different things."""
    if trial.is_interleaved:
        first, second = trial.arms
        return replace(
            part,
            variants=(*part.variants, first.key, second.key),
            source=first.source,
            other_source=second.source,
            salt=trial.salt,
        )
    arm = assigning.arm_of(trial, user_id)
    part = replace(part, variants=(*part.variants, arm.key))
    if arm.version is not None:
        part = replace(part, version=arm.version, rules=rules[arm.version])
    return replace(part, source=arm.source) if arm.source else part


def _running() -> _Running:
    """Return what runs, at most a second old; what was known last where the database is away."""
    global _kept, _read_at
    if time.monotonic() - _read_at < KEPT_SECONDS or not _lock.acquire(blocking=False):
        return _kept  # somebody else is reading it
    try:
        _kept = _read()
    except DatabaseError as error:
        log.warning("experiments_not_read", error=str(error))
    finally:
        _read_at = time.monotonic()
        _lock.release()
    return _kept


def _read() -> _Running:
    trials: dict[int, list[Trial]] = defaultdict(list)
    rules: dict[int, Rules] = {}
    running = Experiment.objects.filter(state=Experiment.State.RUNNING).order_by("pk")
    for experiment in running.prefetch_related("variants__version"):
        variants = sorted(experiment.variants.all(), key=lambda variant: variant.place)
        for variant in variants:
            if variant.version is not None:
                rules[variant.version.pk] = Rules.from_plain(variant.version.rules)
        trials[experiment.placement_id].append(_trial(experiment, variants))
    return _Running({key: tuple(own) for key, own in trials.items()}, rules)


def _trial(experiment: Experiment, variants: list[Variant]) -> Trial:
    assert experiment.first_bucket is not None and experiment.ramp_began_at is not None
    return Trial(
        key=experiment.pk,
        layer=experiment.layer,
        salt=experiment.salt,
        first=experiment.first_bucket,
        size=experiment.num_buckets,
        opened=experiment.open_buckets,
        ramp_began_at=experiment.ramp_began_at,
        ramp_days=experiment.ramp_days,
        arms=tuple(Arm(one.pk, one.weight, one.version_id, one.source) for one in variants),
        is_interleaved=experiment.kind == Experiment.Kind.INTERLEAVE,
    )
