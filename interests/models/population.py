"""What everybody wants over time, in whole and by segment: worked out by a run, read by pages."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F

from interests.models.audience import EndUser
from interests.models.runs import Run


class PopulationRun(Run):
    """One working out of what the population wants; pages show the newest that is done."""

    class Meta(Run.Meta):
        verbose_name = "report"


class PopulationShare(models.Model):
    """What one segment did in one period: the share of each category in its events.

    `shares`, `low`, `high` and `significances` run parallel to `category_ids`. Each end user counts by their
    events; the interval is of end users drawn anew. `significances` compares with the segment's
    periods before, in units of its own noise.
    """

    run = models.ForeignKey(
        PopulationRun, on_delete=models.CASCADE, related_name="shares", db_index=False
    )
    segment_kind = models.CharField(
        max_length=100, help_text='"all", "first seen", "activity", or an attribute\'s name.'
    )
    segment = models.CharField(max_length=200, help_text="Which of the kind; empty for all.")
    period = models.DateField(help_text="The first day of the week or month.")
    category_ids = ArrayField(models.IntegerField())
    shares = ArrayField(models.FloatField())
    low = ArrayField(models.FloatField())
    high = ArrayField(models.FloatField())
    significances = ArrayField(models.FloatField())
    num_events = models.PositiveIntegerField()
    num_end_users = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "segment_kind", "segment", "period"],
                name="one_share_per_run_segment_and_period",
            ),
            models.CheckConstraint(
                name="population_share_arrays_are_equally_long",
                condition=models.Q(shares__len=F("category_ids__len"))
                & models.Q(low__len=F("category_ids__len"))
                & models.Q(high__len=F("category_ids__len"))
                & models.Q(significances__len=F("category_ids__len")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.segment_kind} {self.segment} {self.period}".strip()


class PopulationFlow(models.Model):
    """How much interest moved from one category to another between two periods, in end users."""

    run = models.ForeignKey(
        PopulationRun, on_delete=models.CASCADE, related_name="flows", db_index=False
    )
    period = models.DateField(help_text="The later of the two.")
    from_category_id = models.IntegerField()
    to_category_id = models.IntegerField()
    end_users = models.FloatField(help_text="Interest weight that moved, summed over end users.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "period", "from_category_id", "to_category_id"],
                name="one_flow_per_run_period_and_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period}: {self.from_category_id} to {self.to_category_id}"


class Drifter(models.Model):
    """One end user of the ranked list of those whose interests have moved.

    `q_value` is the share of false names in the list down to this one (Benjamini and Hochberg, 1995).
    """

    run = models.ForeignKey(
        PopulationRun, on_delete=models.CASCADE, related_name="drifters", db_index=False
    )
    rank = models.PositiveIntegerField()
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, related_name="+", db_index=True)
    drift_score = models.FloatField()
    p_value = models.FloatField()
    q_value = models.FloatField()
    rising = ArrayField(models.IntegerField())
    falling = ArrayField(models.IntegerField())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "rank"], name="one_drifter_per_run_and_rank"),
        ]

    def __str__(self) -> str:
        return f"{self.rank}. end user {self.end_user_id}"
