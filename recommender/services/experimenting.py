"""Experiments from a draft to their end: checked, started, opened to more people, stopped, decided."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser, User
from django.db import transaction

from recommender.evaluation import sequential
from recommender.models import Experiment, ExperimentChange, Placement, PlacementVersion, Variant
from recommender.ranking import assigning
from recommender.ranking.assigning import NUM_BUCKETS
from recommender.selectors import experiments
from recommender.services import checking_experiments, placing
from recommender.services.checking_experiments import Arm, CannotExperiment

Kind, State = Experiment.Kind, Experiment.State
GUARDRAIL = "guardrail"
WEEK = timedelta(days=7)


class CannotKeep(CannotExperiment):
    """The experiment makes no sense; `problems` says what is wrong and what to do, by field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


@transaction.atomic
def save(
    *, experiment: Experiment, arms: Sequence[Arm], by: AbstractBaseUser | None, now: datetime
) -> Experiment:
    """Make a draft or change it, and work out how long it would take.

    Raises:
        CannotKeep: it makes no sense.
        CannotExperiment: it is no draft any more.
    """
    if found := checking_experiments.problems(experiment, arms):
        raise CannotKeep(found)
    is_new = experiment.pk is None
    if is_new:
        experiment.salt = secrets.token_hex(8)
        experiment.created_at = now
        experiment.created_by = by if isinstance(by, User) else None
    elif _locked(experiment.pk).state != State.DRAFT:
        raise CannotExperiment("It has been started and cannot be changed any more. Make another.")
    _work_out_length(experiment, arms, now=now)
    experiment.save()
    experiment.variants.all().delete()
    Variant.objects.bulk_create(
        Variant(
            experiment=experiment, place=place, name=arm.name, weight=arm.weight, version=arm.version,
            source=arm.source,
        )
        for place, arm in enumerate(arms)
    )  # fmt: skip
    _note(experiment, "Made the draft." if is_new else "Changed the draft.", by=by, now=now)
    return experiment


@transaction.atomic
def throw_away(*, experiment_id: int) -> None:
    """Delete a draft. What was started stays for ever.

    Raises:
        CannotExperiment: it is no draft.
    """
    experiment = _locked(experiment_id)
    if experiment.state != State.DRAFT:
        raise CannotExperiment("It was started, so it stays. Stop it instead.")
    experiment.delete()


@transaction.atomic
def start(*, experiment_id: int, by: AbstractBaseUser | None, now: datetime) -> Experiment:
    """Let people take part from now on.

    Raises:
        CannotExperiment: it was started before, another one stands in its way, or its rules cannot be followed.
    """
    experiment = _locked(experiment_id)
    if experiment.state != State.DRAFT:
        raise CannotExperiment("It was started before. Make another one to try it again.")
    # Whoever starts beside this one waits here: two must not take the same people.
    Placement.objects.select_for_update().get(pk=experiment.placement_id)
    running = list(
        Experiment.objects.select_for_update()
        .filter(state=State.RUNNING)
        .prefetch_related("variants")
    )
    checking_experiments.check_rules(experiment)
    checking_experiments.check_neighbours(experiment, running)
    taken = [
        (other.first_bucket or 0, other.num_buckets)
        for other in running
        if other.layer == experiment.layer
    ]
    first = assigning.free_range(taken, experiment.num_buckets)
    if first is None:
        free = (NUM_BUCKETS - sum(size for _, size in taken)) / NUM_BUCKETS
        raise CannotExperiment(
            f'Experiments that run in the layer "{experiment.layer}" leave {100 * free:.0f} % of the people, not '
            "all of them in one stretch. Stop one of them, take fewer people, or choose another layer."
        )
    experiment.first_bucket, experiment.state = first, State.RUNNING
    experiment.started_at = experiment.ramp_began_at = now
    experiment.save()
    _note(experiment, "Started it.", by=by, now=now)
    return experiment


@transaction.atomic
def open_to(
    *, experiment_id: int, share: float, by: AbstractBaseUser | None, now: datetime
) -> Experiment:
    """Let more of its people take part at once; who is in stays in.

    Args:
        share: of its people, above what takes part now, at most 1.

    Raises:
        CannotExperiment: it does not run, or that would be fewer people than now.
    """
    experiment = _running(experiment_id)
    now_open = open_now(experiment, now=now)
    wanted = round(share * experiment.num_buckets)
    if not now_open < wanted <= experiment.num_buckets:
        raise CannotExperiment(
            f"{100 * now_open / experiment.num_buckets:.0f} % of its people take part now, and who is in stays in. "
            "Choose more, at most 100 %, or stop it."
        )
    experiment.open_buckets, experiment.ramp_began_at, experiment.ramp_days = wanted, now, 0
    experiment.save(update_fields=["open_buckets", "ramp_began_at", "ramp_days"])
    _note(experiment, f"Opened it to {100 * share:.0f} % of its people.", by=by, now=now)
    return experiment


def open_now(experiment: Experiment, *, now: datetime) -> int:
    """Return how many of its buckets take part."""
    return assigning.open_buckets(
        size=experiment.num_buckets,
        opened=experiment.open_buckets,
        ramp_began_at=experiment.ramp_began_at,
        ramp_days=experiment.ramp_days,
        now=now,
    )


@transaction.atomic
def stop(
    *, experiment_id: int, reason: str, by: AbstractBaseUser | None, now: datetime
) -> Experiment:
    """End it: from now on everybody gets what is live. `by` None: a guardrail did it.

    Raises:
        CannotExperiment: it does not run.
    """
    experiment = _running(experiment_id)
    experiment.state, experiment.ended_at, experiment.end_reason = State.STOPPED, now, reason
    experiment.save(update_fields=["state", "ended_at", "end_reason"])
    said = f"Stopped it: {reason}" if reason else "Stopped it."
    _note(experiment, said, by=by, now=now, otherwise=GUARDRAIL)
    return experiment


@transaction.atomic
def conclude(*, experiment_id: int, variant_id: int, by: User | None, now: datetime) -> Experiment:
    """Decide for a variant: end the experiment and put the variant's rules live, if it has rules of its own.

    Raises:
        CannotExperiment: it is a draft or decided already, the variant is not its own, or its rules cannot go live.
    """
    experiment = _locked(experiment_id)
    if experiment.state not in (State.RUNNING, State.STOPPED):
        raise CannotExperiment("Only an experiment that was started can be decided, and only once.")
    variant = experiment.variants.select_related("version").filter(pk=variant_id).first()
    if variant is None:
        raise CannotExperiment("Choose one of its variants.")
    said = f"Decided for {variant.name}."
    if variant.version is not None and experiment.placement.live_version_id != variant.version_id:
        _put_live(experiment, variant.version, by=by, now=now)
        said += f" Version {variant.version.number} of its rules is live."
    elif variant.source and experiment.kind == Kind.COMPARE:
        said += " What is live stays: everybody gets their own list again."
    was_running = experiment.state == State.RUNNING
    experiment.state, experiment.chosen = State.CONCLUDED, variant
    if was_running:
        experiment.ended_at, experiment.end_reason = now, said
    experiment.save(update_fields=["state", "chosen", "ended_at", "end_reason"])
    _note(experiment, said, by=by, now=now)
    return experiment


def _put_live(
    experiment: Experiment, version: PlacementVersion, *, by: User | None, now: datetime
) -> None:
    live = experiment.placement.live_version
    try:
        placing.go_live(
            placement_id=experiment.placement_id,
            number=version.number,
            instead_of=live.number if live else 0,
            reason=f'Chosen by the experiment "{experiment.name}".'[:500],
            by=by,
            now=now,
        )
    except placing.CannotPlace as error:
        raise CannotExperiment(str(error)) from error


def _work_out_length(experiment: Experiment, arms: Sequence[Arm], *, now: datetime) -> None:
    """Note how many people the placement has in a week and how many it takes to find the smallest change."""
    sums = experiments.recent_sums(
        placement_id=experiment.placement_id, metric=experiment.metric, since=now - WEEK
    )
    experiment.people_per_week = int(sums.people) if sums.people else None
    per_person = sequential.information_per_person(sums)
    experiment.needed_people = None
    if per_person is not None and experiment.kind == Kind.COMPARE:
        needed = sequential.needed_information(
            experiment.least_lift,
            least_lift=experiment.least_lift,
            alpha=experiment.alpha / (len(arms) - 1),
        )
        total = sum(arm.weight for arm in arms)
        smallest = min(arm.weight for arm in arms[1:]) / total
        # 1 / information of a difference is the sum over both of 1 / (share x people x information of one).
        both = total / arms[0].weight + 1 / smallest
        experiment.needed_people = int(needed * both / per_person) + 1


def _running(experiment_id: int) -> Experiment:
    experiment = _locked(experiment_id)
    if experiment.state != State.RUNNING:
        raise CannotExperiment(
            "It does not run, so there is nothing to change about who takes part."
        )
    return experiment


def _locked(experiment_id: int) -> Experiment:
    found = (
        Experiment.objects.select_for_update(of=("self",))
        .select_related("placement__live_version")
        .filter(pk=experiment_id)
        .first()
    )
    if found is None:
        raise CannotExperiment("This experiment is gone; somebody threw its draft away.")
    return found


def _note(
    experiment: Experiment, text: str, *, by: AbstractBaseUser | None, now: datetime, otherwise: str = ""
) -> None:  # fmt: skip
    name = by.get_username() if by is not None else otherwise
    ExperimentChange.objects.create(experiment=experiment, at=now, by=name, text=text[:1000])
