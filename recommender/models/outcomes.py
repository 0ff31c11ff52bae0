"""What came of answers: counted by person and hour, put together as rates with intervals; and the lag over time.

Keys of placements, versions, runs and variants are kept as plain numbers: counts outlive what they name.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from interests.models import EndUser
from recommender.ranking.answer_ids import SOURCES


class OutcomeOfPerson(models.Model):
    """What one person saw and did with the answers of one hour (UTC) that had the same origin.

    Outcomes count to the hour of their answer. Items of one person are not independent, so every interval
    is over people and begins with these rows.
    """

    is_measurement = (
        True  # of us, not of the person's interests: it stays when they want to be forgotten
    )

    end_user = models.ForeignKey(
        EndUser, on_delete=models.CASCADE, related_name="outcomes", db_index=False
    )
    day = models.DateField(help_text="Of the answers, UTC.")
    hour = models.PositiveSmallIntegerField(help_text="Of that day, 0 to 23, UTC.")
    placement = models.BigIntegerField(help_text="Key; 0: a placement without a row.")
    version = models.BigIntegerField(help_text="Key of its rules; 0: those that it starts with.")
    run = models.BigIntegerField(help_text="Key of the publication; 0: none.")
    source = models.CharField(max_length=1, choices=tuple(SOURCES.items()))
    variants = ArrayField(models.BigIntegerField(), help_text="Keys, ascending, of experiments.")
    answers = models.PositiveIntegerField(help_text="Of which an item was seen.")
    impressions = models.PositiveIntegerField(help_text="Items seen, once an answer.")
    clicks = models.PositiveIntegerField(help_text="Items clicked, once an answer.")
    second_clicks = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="Of the clicks, those on items that the second of two interleaved lists placed.",
    )
    conversions = models.PositiveIntegerField(help_text="Items converted, once an answer.")
    revenue = models.FloatField(help_text="Sum of the conversions' values.")
    dwell_seconds = models.FloatField()
    num_dwells = models.PositiveIntegerField(help_text="Times an item was looked at for so long.")
    likes = models.PositiveIntegerField()
    feedbacks = models.PositiveIntegerField(
        help_text="Likes and dislikes, once an item and answer."
    )
    rating_sum = models.FloatField()
    num_ratings = models.PositiveIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "outcomes of people"
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "end_user", "day", "hour", "placement", "version", "run", "source", "variants"
                ],
                name="one_outcome_per_person_hour_and_origin",
            ),
            models.CheckConstraint(
                name="outcome_clicks_and_conversions_were_seen",
                condition=Q(clicks__lte=F("impressions"), conversions__lte=F("impressions")),
            ),
            models.CheckConstraint(name="outcome_hour_is_of_a_day", condition=Q(hour__lte=23)),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["day", "hour"], name="outcome_by_hour"),
            models.Index(fields=["counted_at"], name="outcome_by_count"),
        ]

    def __str__(self) -> str:
        return f"end user {self.end_user_id}, {self.day} {self.hour}:00"


class OutcomeRate(models.Model):
    """One number of the page about outcomes: a metric over a span of time, for a placement or a part of it."""

    class Span(models.TextChoices):
        HOUR = "hour"
        DAY = "day"
        LAST_DAY = "last-day"
        LAST_WEEK = "last-7-days"
        LAST_MONTH = "last-28-days"
        DAY_BEFORE = "day-before"
        WEEK_BEFORE = "7-days-before"
        MONTH_BEFORE = "28-days-before"

    class Metric(models.TextChoices):
        CLICK_THROUGH = "click_through"
        CONVERSION = "conversion"
        DWELL = "dwell"
        SATISFACTION = "satisfaction"
        RATING = "rating"

    span = models.CharField(max_length=20, choices=Span)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    placement = models.BigIntegerField()
    dimension = models.CharField(
        max_length=100, help_text='"all", or by what the answers are split.'
    )
    part = models.CharField(max_length=200, blank=True, help_text="Which part of the dimension.")
    metric = models.CharField(max_length=20, choices=Metric)
    value = models.FloatField()
    low = models.FloatField(null=True, help_text="Of the 95 % interval over people. None: too few.")
    high = models.FloatField(null=True)
    median = models.FloatField(null=True, help_text="Of people's own values; of dwell alone.")
    numerator = models.FloatField()
    denominator = models.FloatField()
    num_people = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["span", "begins_at", "placement", "dimension", "part", "metric"],
                name="one_rate_per_span_part_and_metric",
            ),
            models.CheckConstraint(
                name="outcome_rate_lies_in_its_interval",
                condition=Q(low=None) | Q(low__lte=F("value"), high__gte=F("value")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} of placement {self.placement}, {self.span} {self.begins_at:%Y-%m-%d %H:%M}"


class OutcomeCount(models.Model):
    """Until which row outcomes are counted: one row.

    Rows get their keys before they are committed. So a key is noted, and counted up to only when it has been
    noted for a while: by then nobody who held a smaller one is still at work.
    """

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    impressions_through = models.BigIntegerField(default=0, help_text="Key; counted.")
    interactions_through = models.BigIntegerField(default=0)
    impressions_noted = models.BigIntegerField(default=0, help_text="Key; to be counted next.")
    interactions_noted = models.BigIntegerField(default=0)
    noted_at = models.DateTimeField(null=True)
    counted_at = models.DateTimeField(null=True)
    reported_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="outcomes_are_counted_once", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return f"counted at {self.counted_at}"


class OutcomeRefusal(models.Model):
    """How many outcomes of a day (of their arrival, UTC) were not counted, and why."""

    class Reason(models.TextChoices):
        FORGED = "forged", "the recommendation_id was not signed here"
        UNREADABLE = "unreadable", "the recommendation_id is of another format"
        FOREIGN = "foreign", "the answer was given to somebody else"
        DOUBTFUL = "doubtful", "the time of the event cannot be right"
        LATE = "late", "more than 7 days after the answer"

    day = models.DateField()
    reason = models.CharField(max_length=20, choices=Reason)
    num = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "reason"], name="one_number_per_day_and_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.num} {self.reason} on {self.day}"


class LagSample(models.Model):
    """How far slates were behind events at one time; a week of minutes is kept."""

    at = models.DateTimeField(unique=True)
    lag_seconds = models.FloatField(help_text="Since when the first person waited.")
    num_waiting = models.PositiveIntegerField(
        help_text="People whose events their slate had not seen."
    )
    num_set_aside = models.PositiveIntegerField()
    num_refreshed = models.PositiveIntegerField(help_text="People, since the sample before.")

    def __str__(self) -> str:
        return f"{self.lag_seconds:.0f} s at {self.at:%Y-%m-%d %H:%M}"
