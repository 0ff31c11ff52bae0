"""Experiments as pages and the API show them: verdicts, variants, guardrails, the effect over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, QuerySet

from recommender.evaluation import ratio_check, verdicts
from recommender.evaluation.experiment_figures import Point
from recommender.evaluation.verdicts import Seen, Situation, Verdict
from recommender.models import Experiment, ExperimentLook, Placement, PlacementVersion, Variant
from recommender.ranking import assigning
from recommender.ranking.assigning import NUM_BUCKETS

Kind, State = Experiment.Kind, Experiment.State
# A line of more points than this is no clearer.
MOST_POINTS = 300
DAY = timedelta(days=1)
MOST_ROWS = 200


@dataclass(frozen=True)
class VariantRow:
    """One variant with what the newest look saw (unsaved and empty before the first).

    `share` is of the experiment's people that it should have.
    """

    variant: Variant
    share: float
    look: ExperimentLook

    @property
    def does(self) -> str:
        """What is different about it, in words."""
        changes = []
        if self.variant.version is not None:
            changes.append(f"rules of version {self.variant.version.number}")
        if self.variant.source:
            changes.append(self.variant.get_source_display())
        return "; ".join(changes) or "as it is live"

    @property
    def empty_share(self) -> float | None:
        """Share of the people who asked that got an empty answer."""
        look = self.look
        return look.empty_people / look.asked_people if look.asked_people else None


@dataclass(frozen=True)
class Row:
    """One experiment with its verdict."""

    experiment: Experiment
    variants: list[VariantRow]
    verdict: Verdict
    open_share: float  # of its own people, who take part now

    @property
    def sign_p_value(self) -> float:
        """Of interleaving: p-value, valid at any look, of as many people preferring the one list as the other."""
        first, second = (row.look.wins for row in self.variants[:2])
        return ratio_check.sign_p_value(second, first)

    @property
    def traffic(self) -> float:
        """Share of the layer's people who are its own."""
        return self.experiment.num_buckets / NUM_BUCKETS

    @property
    def people(self) -> int:
        """How many were seen."""
        seen = [row.look.people for row in self.variants]
        is_mixed = self.experiment.kind == Kind.INTERLEAVE
        return max(seen, default=0) if is_mixed else sum(seen)


def rows(*, now: datetime) -> list[Row]:
    """Return the experiments, those that run first, then the newest."""
    found = _experiments().order_by("-created_at", "-pk")[:MOST_ROWS]
    order = {State.RUNNING: 0, State.DRAFT: 1}
    made = _rows(found, now=now)
    return sorted(made, key=lambda row: order.get(State(row.experiment.state), 2))


def row(*, pk: int, now: datetime) -> Row | None:
    """Return one experiment."""
    found = _rows(_experiments().filter(pk=pk), now=now)
    return found[0] if found else None


def page(*, limit: int, before: int | None, now: datetime) -> list[Row]:
    """Return experiments that were started, newest first, of keys below `before`."""
    found = _experiments().exclude(state=State.DRAFT).order_by("-pk")
    if before is not None:
        found = found.filter(pk__lt=before)
    return _rows(found[:limit], now=now)


def changes(experiment: Experiment) -> list[tuple[datetime, str, str]]:
    """Return what was done to an experiment, newest first: when, by whom, what."""
    found = experiment.changes.order_by("-at", "-pk")
    return list(found.values_list("at", "by", "text")[:MOST_ROWS])


def lines(found: Row) -> list[tuple[str, list[Point]]]:
    """Return the effect of each variant but the control over time, at most some hundred points each."""
    experiment = found.experiment
    begin, end = experiment.started_at, experiment.looked_at
    if begin is None or end is None:
        return []
    step = max((end - begin) / MOST_POINTS, timedelta(minutes=1))
    points = _points([row.variant.pk for row in found.variants[1:]], begin, step)
    return [
        (row.variant.name, points[row.variant.pk])
        for row in found.variants[1:]
        if points[row.variant.pk]
    ]


def placements() -> QuerySet[Placement]:
    """Return the placements by name."""
    return Placement.objects.order_by("name")


def versions() -> QuerySet[PlacementVersion]:
    """Return the newest versions of all placements' rules."""
    newest = PlacementVersion.objects.select_related("placement")
    return newest.order_by("placement__name", "-number")[:MOST_ROWS]


def layers() -> list[str]:
    """Return the layers that experiments were made in."""
    return list(Experiment.objects.order_by("layer").values_list("layer", flat=True).distinct())


def _experiments() -> QuerySet[Experiment]:
    return Experiment.objects.select_related("placement", "created_by", "chosen").prefetch_related(
        "variants__version"
    )


def _rows(found: Iterable[Experiment], *, now: datetime) -> list[Row]:
    experiments = list(found)
    newest = ExperimentLook.objects.filter(
        variant__experiment__in=experiments, at=F("variant__experiment__looked_at")
    )
    looks = {look.variant_id: look for look in newest}
    return [_row(experiment, looks, now=now) for experiment in experiments]


def _row(experiment: Experiment, looks: Mapping[int, ExperimentLook], *, now: datetime) -> Row:
    variants = sorted(experiment.variants.all(), key=lambda variant: variant.place)
    shares = assigning.expected_shares([variant.weight for variant in variants])
    made = [
        VariantRow(
            variant, share, looks.get(variant.pk) or ExperimentLook(variant=variant, people=0)
        )
        for variant, share in zip(variants, shares, strict=True)
    ]
    opened = assigning.open_buckets(
        size=experiment.num_buckets,
        opened=experiment.open_buckets,
        ramp_began_at=experiment.ramp_began_at,
        ramp_days=experiment.ramp_days,
        now=now,
    )
    verdict = verdicts.verdict(_situation(experiment, made, now=now))
    return Row(experiment, made, verdict, opened / experiment.num_buckets)


def _situation(
    experiment: Experiment, variants: Iterable[VariantRow], *, now: datetime
) -> Situation:
    until = experiment.ended_at or now
    began = experiment.started_at or until
    return Situation(
        metric=experiment.get_metric_display(),
        variants=[_seen(row) for row in variants],
        least_lift=experiment.least_lift,
        is_interleaved=experiment.kind == Kind.INTERLEAVE,
        is_started=experiment.state != State.DRAFT,
        is_running=experiment.state == State.RUNNING,
        days=(until - began) / DAY,
        needed_people=experiment.needed_people,
        people_per_week=experiment.people_per_week,
        sample_ratio_p=experiment.sample_ratio_p,
        traffic=experiment.num_buckets / NUM_BUCKETS,
    )


def _seen(row: VariantRow) -> Seen:
    look = row.look
    return Seen(
        row.variant.name, look.people, row.share, look.value, look.effect, look.low, look.high
    )


def _points(variants: list[int], begin: datetime, step: timedelta) -> defaultdict[int, list[Point]]:
    """Return the last look of each step of time."""
    found: defaultdict[int, list[Point]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (variant_id, date_bin(%(step)s::interval, at, %(begin)s))
                variant_id, at, effect, low, high, people
            FROM recommender_experimentlook
            WHERE variant_id = ANY(%(variants)s) AND effect IS NOT NULL
            ORDER BY variant_id, date_bin(%(step)s::interval, at, %(begin)s), at DESC
            """,
            {"step": f"{step.total_seconds()} seconds", "begin": begin, "variants": variants},
        )
        for variant, *values in cursor.fetchall():
            found[variant].append(Point(*values))
    return found
