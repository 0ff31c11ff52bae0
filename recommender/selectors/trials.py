"""Running experiments as the read path needs them."""

from __future__ import annotations

from collections import defaultdict

import structlog

from recommender.models import Experiment, Variant
from recommender.ranking.assigning import Arm, Trial
from recommender.ranking.rules import Rules, RulesError

log = structlog.get_logger()


def running() -> tuple[dict[int, tuple[Trial, ...]], dict[int, Rules]]:
    """Return the experiments that run by the key of their placement, and the rules of their variants by version.

    An experiment whose rules cannot be read is left out: everybody gets what is live.
    """
    trials: dict[int, list[Trial]] = defaultdict(list)
    rules: dict[int, Rules] = {}
    found = Experiment.objects.filter(state=Experiment.State.RUNNING).order_by("pk")
    for experiment in found.prefetch_related("variants__version"):
        variants = sorted(experiment.variants.all(), key=lambda variant: variant.place)
        try:
            rules |= {
                variant.version.pk: Rules.from_plain(variant.version.rules)
                for variant in variants
                if variant.version is not None
            }
        except RulesError as error:
            log.error("experiment_not_read", experiment=experiment.name, error=str(error))
            continue
        trials[experiment.placement_id].append(_trial(experiment, variants))
    return {key: tuple(own) for key, own in trials.items()}, rules


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
