"""Stored evaluations: how good each algorithm was on held-out events."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from interests.models import Run, TrainingRun


class EvaluationRun(Run):
    """One comparison of algorithms on one split of the events."""

    class Split(models.TextChoices):
        LEAVE_ONE_OUT = "leave-one-out"
        TIME = "time"

    split = models.CharField(max_length=20, choices=Split)
    k = models.PositiveSmallIntegerField(default=10)
    targets_sha256 = models.CharField(max_length=64, blank=True)
    training_run = models.ForeignKey(
        TrainingRun,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="evaluation_runs",
    )

    class Meta(Run.Meta):
        verbose_name = "evaluation"


class MetricValue(models.Model):
    """One number of an evaluation: a metric of an algorithm on a segment, with its 95 % interval."""

    evaluation_run = models.ForeignKey(
        EvaluationRun, on_delete=models.CASCADE, related_name="metric_values", db_index=False
    )
    algorithm = models.CharField(max_length=50)
    metric = models.CharField(max_length=30, help_text='Such as "ndcg@10".')
    segment = models.CharField(max_length=50, default="all")
    value = models.FloatField()
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    p_value = models.FloatField(null=True, blank=True, help_text="Against the baseline.")
    num_users = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["evaluation_run", "algorithm", "metric", "segment"],
                name="one_value_per_metric_algorithm_and_segment",
            ),
            models.CheckConstraint(
                name="metric_value_lies_in_its_interval",
                condition=Q(low=None) | Q(low__lte=F("value"), high__gte=F("value")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm} {self.metric} {self.segment}"
