"""Studies: which settings of an algorithm do best on validation, trial by trial."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from interests.models import Run
from recommender.models.evaluations import EvaluationRun


class Study(Run):
    """One search for better settings of one algorithm, on the events there were when it began.

    Nobody holds it: its trials are held, each by one worker, and whoever ends the last one closes the study
    (`services.studying`). `results` holds the best settings and which of them matter.
    """

    class Sampler(models.TextChoices):
        TPE = "tpe"
        RANDOM = "random"
        GRID = "grid"

    algorithm = models.CharField(max_length=50)
    sampler = models.CharField(max_length=10, choices=Sampler, default=Sampler.TPE)
    num_trials = models.PositiveIntegerField(
        default=30, help_text="At most so many; the first is of the usual settings."
    )
    max_at_once = models.PositiveSmallIntegerField(
        default=4, help_text="Trials at work at the same time, at most."
    )
    split = models.CharField(
        max_length=20,
        choices=EvaluationRun.Split,
        default=EvaluationRun.Split.LEAVE_ONE_OUT,
    )
    space = models.JSONField(
        default=list, blank=True, help_text="What may be tried; known when it has begun."
    )
    start = models.JSONField(
        default=dict, blank=True, help_text="The usual settings, which it begins with."
    )

    class Meta(Run.Meta):
        verbose_name = "study"
        verbose_name_plural = "studies"


class Trial(Run):
    """One try of a study: `settings` holds the values that differ from the start, `value` how good they are."""

    study = models.ForeignKey(
        Study, on_delete=models.CASCADE, related_name="trials", db_index=False
    )
    number = models.PositiveIntegerField(help_text="From 0, the trial of the usual settings.")
    value = models.FloatField(
        null=True, blank=True, help_text="NDCG@10 on validation, of a trial that came to its end."
    )
    is_pruned = models.BooleanField(
        default=False, help_text="Ended early, because it did worse than half of the others."
    )
    reached = models.JSONField(
        default=list, blank=True, help_text="Values on the way: step, NDCG@10."
    )

    class Meta(Run.Meta):
        constraints = [
            *Run.Meta.constraints,
            models.UniqueConstraint(
                fields=["study", "number"], name="one_trial_of_a_number_in_a_study"
            ),
            models.CheckConstraint(
                name="only_a_trial_that_is_done_has_a_value_or_was_pruned",
                condition=Q(state="done") | Q(value=None, is_pruned=False),
            ),
        ]
