"""Looks at running experiments: who did what, what each variant is worth, whether a guardrail stops it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction

from recommender.evaluation import guardrails, ratio_check, sequential
from recommender.evaluation.guardrails import Answers
from recommender.evaluation.sequential import Comparison, Sums
from recommender.models import Experiment, ExperimentLook, Variant
from recommender.ranking import assigning
from recommender.selectors import experiments
from recommender.services import answer_counts, experimenting
from recommender.services.answer_counts import Counts

Kind, State = Experiment.Kind, Experiment.State
# Counts that were written before a look but committed after it are taken in by the next one.
OVERLAP = timedelta(minutes=15)
# After the end outcomes of its answers still come.
LATE = timedelta(days=7)
EARLIER = timedelta(days=28)

log = structlog.get_logger()

# A person's row is made anew from all hours of theirs, so counting twice changes nothing.
_COUNT_PEOPLE = """
    INSERT INTO recommender_experimentperson AS person (
        experiment_id, end_user_id, variant_id, impressions, clicks, second_clicks, conversions, earlier
    )
    SELECT %(experiment)s, outcome.end_user_id,
        CASE WHEN min(mine.variant) = max(mine.variant) THEN min(mine.variant) END,
        sum(outcome.impressions), sum(outcome.clicks), sum(outcome.second_clicks), sum(outcome.conversions),
        (
            SELECT ln(1.0 + count(*)) FROM interests_interaction AS event
            WHERE event.end_user_id = outcome.end_user_id
            AND event.occurred_at >= %(earlier)s AND event.occurred_at < %(began)s
        )
    FROM (
        SELECT DISTINCT end_user_id FROM recommender_outcomeofperson
        WHERE counted_at >= %(since)s AND placement = %(placement)s AND variants && %(variants)s::bigint[]
    ) AS touched
    JOIN recommender_outcomeofperson AS outcome USING (end_user_id)
    CROSS JOIN LATERAL (
        SELECT unnest(outcome.variants) AS variant
        INTERSECT SELECT unnest(%(variants)s::bigint[])
    ) AS mine
    WHERE outcome.day >= %(began)s::timestamptz::date AND outcome.placement = %(placement)s
    GROUP BY outcome.end_user_id
    ON CONFLICT (experiment_id, end_user_id) DO UPDATE SET
        variant_id = excluded.variant_id, impressions = excluded.impressions, clicks = excluded.clicks,
        second_clicks = excluded.second_clicks, conversions = excluded.conversions
"""


def look_at_all(*, now: datetime) -> int:
    """Look at every experiment that runs, or ended within a week; return at how many."""
    running = Experiment.objects.filter(state=State.RUNNING)
    ended = Experiment.objects.filter(
        state__in=(State.STOPPED, State.CONCLUDED), ended_at__gt=now - LATE
    )
    keys = [*running.values_list("pk", flat=True), *ended.values_list("pk", flat=True)]
    for key in keys:
        look(experiment_id=key, now=now)
    return len(keys)


def look(*, experiment_id: int, now: datetime) -> None:
    """Count what its people did, write down what each variant is worth; stop it where a guardrail breaks."""
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=experiment_id)
        if experiment.started_at is None or ExperimentLook.objects.filter(
            variant__experiment=experiment, at=now
        ):
            return
        variants = list(experiment.variants.order_by("place"))
        _count_people(experiment, variants, now=now)
        counts = answer_counts.read(variant.pk for variant in variants)
        is_mixed = experiment.kind == Kind.INTERLEAVE
        made = (_interleaved if is_mixed else _compared)(experiment, variants)
        for row in made:
            row.at = now
            _put_counts(row, counts[row.variant.pk])
        ExperimentLook.objects.bulk_create(made)
        experiment.looked_at = now
        experiment.save(
            update_fields=["looked_at", "sample_ratio_p", "crossed_people", "needed_people"]
        )
        broken = _broken(experiment, variants, counts) if experiment.state == State.RUNNING else ""
        if broken:
            log.warning("experiment_stopped", experiment=experiment.name, reason=broken)
            experimenting.stop(experiment_id=experiment.pk, reason=broken[:500], by=None, now=now)


def _count_people(experiment: Experiment, variants: Sequence[Variant], *, now: datetime) -> None:
    assert experiment.started_at is not None
    # Both variants of an interleaving experiment are in every answer: the first stands for it.
    counted = variants[:1] if experiment.kind == Kind.INTERLEAVE else variants
    since = (experiment.looked_at or experiment.started_at) - OVERLAP
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT_PEOPLE,
            {
                "experiment": experiment.pk,
                "placement": experiment.placement_id,
                "variants": [variant.pk for variant in counted],
                "since": since,
                "began": experiment.started_at,
                "earlier": experiment.started_at - EARLIER,
            },
        )


def _compared(experiment: Experiment, variants: Sequence[Variant]) -> list[ExperimentLook]:
    """Return looks at variants that different people get, and note whether people are shared out as planned."""
    nobody = Sums(0, 0, 0, 0, 0, 0, 0)
    found = experiments.sums_by_variant(experiment)
    sums = [found.get(variant.pk, nobody) for variant in variants]
    p_value = ratio_check.p_value(
        [int(one.people) for one in sums],
        assigning.expected_shares([variant.weight for variant in variants]),
    )
    experiment.sample_ratio_p = min(experiment.sample_ratio_p, p_value)
    experiment.crossed_people = experiments.num_crossed(experiment)
    rows, needed = [], []
    for place, (variant, own) in enumerate(zip(variants, sums, strict=True)):
        comparison = place and sequential.compare(
            sums[0],
            own,
            least_lift=experiment.least_lift,
            alpha=experiment.alpha,
            num_variants=len(variants) - 1,
        )
        row = ExperimentLook(variant=variant, people=int(own.people), value=own.value)
        rows.append(_put_comparison(row, comparison or None))
        needed += [comparison.information] if comparison else []
    if needed:
        enough = sequential.needed_information(
            experiment.least_lift,
            least_lift=experiment.least_lift,
            alpha=experiment.alpha / (len(variants) - 1),
        )
        people = sum(one.people for one in sums)
        experiment.needed_people = int(people * enough / min(needed)) + 1
    return rows


def _interleaved(experiment: Experiment, variants: Sequence[Variant]) -> list[ExperimentLook]:
    """Return looks at two mixed lists: people with a click, and the part of the clicks that each list earned."""
    sums, wins, losses = experiments.credit_sums(experiment)
    people = int(sums.people) if sums else 0
    share = sums.c / sums.n if sums else None
    rows = []
    for place, (variant, won) in enumerate(zip(variants, (losses, wins), strict=True)):
        part = None if share is None else (1 + share if place else 1 - share) / 2
        row = ExperimentLook(variant=variant, people=people, wins=won, value=part)
        found = None
        if place and sums:
            found = sequential.preference(sums, scale=experiment.least_lift, alpha=experiment.alpha)
        rows.append(_put_comparison(row, found))
    return rows


def _put_comparison(row: ExperimentLook, found: Comparison | None) -> ExperimentLook:
    if found is not None:
        row.effect, row.low, row.high = found.effect, found.low, found.high
        row.p_value = found.p_value
    return row


def _put_counts(row: ExperimentLook, counts: Counts) -> None:
    row.answers, row.mean_ms, row.sd_ms = counts.answers, counts.mean_ms, counts.sd_ms
    row.asked_people, row.empty_people, row.items = (
        counts.people,
        counts.empty_people,
        counts.items,
    )


def _broken(
    experiment: Experiment, variants: Sequence[Variant], counts: Mapping[int, Counts]
) -> str:
    """Say which guardrail a variant breaks, "" for none. Mixed lists have no control to be held against."""
    if experiment.kind == Kind.INTERLEAVE:
        return ""
    control = variants[0]
    for variant in variants[1:]:
        pair = [_answers(counts[one.pk]) for one in (control, variant)]
        said = ""
        if experiment.max_slower is not None:
            said = guardrails.slower(*pair, most=experiment.max_slower)
        if not said and experiment.max_empty is not None:
            said = guardrails.emptier(*pair, most=experiment.max_empty)
        # What is the same for everybody is few items, by intent.
        is_varied = variant.source == Variant.Source.OWN
        if not said and experiment.max_lost_coverage is not None and is_varied:
            said = guardrails.narrower(
                *(_coverage(one) for one in (control, variant)),
                most=experiment.max_lost_coverage,
                count_error=answer_counts.COUNT_ERROR,
            )
        if said:
            return f"{variant.name}: {said}."
    return ""


def _answers(counts: Counts) -> Answers:
    return Answers(
        counts.answers, counts.mean_ms or 0.0, counts.sd_ms or 0.0, counts.people,
        min(counts.empty_people, counts.people), counts.items, answer_counts.COUNT_ERROR,
    )  # fmt: skip


def _coverage(variant: Variant) -> list[tuple[int, int]]:
    looks: Any = variant.looks.filter(answers__gt=0).order_by("at")
    return list(looks.values_list("answers", "items"))
