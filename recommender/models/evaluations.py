"""Stored evaluations: how good each algorithm was on held-out events."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from interests.models import EndUser, Run, TrainingRun


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


class PairedTest(models.Model):
    """How two algorithms of an evaluation differ in NDCG, over the same end users."""

    evaluation_run = models.ForeignKey(
        EvaluationRun, on_delete=models.CASCADE, related_name="paired_tests", db_index=False
    )
    first = models.CharField(max_length=50)
    second = models.CharField(max_length=50)
    difference = models.FloatField(help_text="NDCG of the first less that of the second.")
    low = models.FloatField(help_text="Where its 95 % interval begins.")
    high = models.FloatField()
    p_value = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["evaluation_run", "first", "second"], name="one_test_per_pair_of_algorithms"
            ),
            models.CheckConstraint(
                name="paired_difference_lies_in_its_interval",
                condition=Q(low__lte=F("difference"), high__gte=F("difference")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first} against {self.second}"


class EvaluationQuestion(models.Model):
    """What one end user of an evaluation was asked about: a few are kept to be looked at."""

    evaluation_run = models.ForeignKey(
        EvaluationRun, on_delete=models.CASCADE, related_name="questions", db_index=False
    )
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, related_name="+")
    num_events = models.PositiveIntegerField(help_text="Events before the cut.")
    seen = ArrayField(
        models.BigIntegerField(), help_text="Items of the last of them, newest first."
    )
    seen_at = ArrayField(models.DateTimeField(), help_text="When each of those happened.")
    targets = ArrayField(models.BigIntegerField(), help_text="Items that were held out.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["evaluation_run", "end_user"], name="one_question_per_evaluation_and_user"
            ),
            models.CheckConstraint(
                name="each_event_seen_has_its_time",
                condition=Q(seen__len=F("seen_at__len")),
            ),
        ]

    def __str__(self) -> str:
        return f"end user {self.end_user_id} in evaluation {self.evaluation_run_id}"


class EvaluationList(models.Model):
    """What one algorithm answered to a question."""

    question = models.ForeignKey(
        EvaluationQuestion, on_delete=models.CASCADE, related_name="lists", db_index=False
    )
    algorithm = models.CharField(max_length=50)
    items = ArrayField(models.BigIntegerField(), help_text="Best first.")
    ndcg = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["question", "algorithm"], name="one_list_per_question_and_algorithm"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm} for question {self.question_id}"
