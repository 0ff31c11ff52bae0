"""Experiments on placements: who gets which variant, what was seen of it at each look, what people did to it."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from interests.models import EndUser
from recommender.models.placements import Placement, PlacementVersion
from recommender.ranking.assigning import NUM_BUCKETS


class Experiment(models.Model):
    """Two or more variants of one placement, compared on the people who get them.

    People lie in the layer's buckets; the experiment holds `num_buckets` of them from `first_bucket` on while it
    runs, of which those that are open (`assigning.open_buckets`) take part.
    """

    class Kind(models.TextChoices):
        COMPARE = "compare", "each person gets one variant"
        INTERLEAVE = "interleave", "everybody gets a list of both, mixed"

    class Metric(models.TextChoices):
        CLICKS_PER_IMPRESSION = "clicks_per_impression", "clicks per item seen"
        CLICKS_PER_PERSON = "clicks_per_person", "clicks per person"
        CONVERSIONS_PER_PERSON = "conversions_per_person", "conversions per person"

    class State(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        STOPPED = "stopped"
        CONCLUDED = "concluded"

    name = models.CharField(max_length=200, unique=True)
    question = models.CharField(
        max_length=500, blank=True, help_text="What is to be found out, and what is expected."
    )
    placement = models.ForeignKey(Placement, on_delete=models.PROTECT, related_name="experiments")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.COMPARE)
    layer = models.CharField(
        max_length=50,
        help_text="Experiments of one layer share no person; those of different layers are independent.",
    )
    salt = models.CharField(
        max_length=32, unique=True, help_text="Who gets which variant hangs on it."
    )
    num_buckets = models.PositiveIntegerField(
        help_text="Of the layer's 10,000: how many it holds while it runs."
    )
    first_bucket = models.PositiveIntegerField(null=True, blank=True)
    open_buckets = models.PositiveIntegerField(
        help_text="How many of its buckets took part when `ramp_began_at` was written."
    )
    ramp_began_at = models.DateTimeField(null=True, blank=True)
    ramp_days = models.PositiveSmallIntegerField(
        default=0, help_text="All of its buckets take part after so many days; 0: only by hand."
    )
    metric = models.CharField(max_length=30, choices=Metric, default=Metric.CLICKS_PER_IMPRESSION)
    least_lift = models.FloatField(
        default=0.05,
        validators=[MinValueValidator(0.001), MaxValueValidator(5.0)],
        help_text="The smallest change that matters, as a share of the control's value.",
    )
    alpha = models.FloatField(
        default=0.05, help_text="How often it may call a difference where there is none."
    )
    max_slower = models.FloatField(
        null=True,
        blank=True,
        help_text="It stops where answers take longer by more than this share.",
    )
    max_empty = models.FloatField(
        null=True,
        blank=True,
        help_text="It stops where the share of people with an empty answer is higher by more than this.",
    )
    max_lost_coverage = models.FloatField(
        null=True,
        blank=True,
        help_text="It stops where fewer items are shown by more than this share.",
    )
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=500, blank=True)
    chosen = models.ForeignKey(
        "Variant", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    people_per_week = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Of the placement, when it was last worked out; null: not known.",
    )
    needed_people = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        help_text="To find the smallest change that matters four times in five.",
    )
    looked_at = models.DateTimeField(null=True, blank=True)
    sample_ratio_p = models.FloatField(
        default=1.0,
        help_text="The smallest p-value so far that people are shared out as they should be.",
    )
    crossed_people = models.PositiveIntegerField(
        default=0,
        help_text="Had more than one of its variants, such as merged guests: counted for none.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="experiment_name_is_not_empty", condition=~Q(name="")),
            models.CheckConstraint(
                name="experiment_buckets_lie_in_its_layer",
                condition=Q(num_buckets__gte=1, num_buckets__lte=NUM_BUCKETS)
                & (Q(first_bucket=None) | Q(first_bucket__lte=NUM_BUCKETS - F("num_buckets"))),
            ),
            models.CheckConstraint(
                name="experiment_opens_at_most_its_buckets",
                condition=Q(open_buckets__lte=F("num_buckets")),
            ),
            models.CheckConstraint(
                name="experiment_that_runs_has_begun_and_holds_buckets",
                condition=~Q(state="running")
                | Q(first_bucket__isnull=False, started_at__isnull=False, ended_at=None),
            ),
            models.CheckConstraint(
                name="experiment_that_is_over_has_an_end",
                condition=~Q(state__in=("stopped", "concluded")) | Q(ended_at__isnull=False),
            ),
            models.CheckConstraint(
                name="experiment_alpha_is_between_0_and_a_half",
                condition=Q(alpha__gt=0, alpha__lt=0.5),
            ),
        ]
        indexes = [models.Index(fields=["state"], name="experiment_by_state")]

    def __str__(self) -> str:
        return self.name


class Variant(models.Model):
    """One of the things an experiment compares; the first one (`place` 0) is the control."""

    class Source(models.TextChoices):
        OWN = "", "each person's own list"
        TRENDING = "trending", "trending items, the same for everybody"
        POPULAR_7_DAYS = "popular_7d", "popular items of 7 days, the same for everybody"
        POPULAR_30_DAYS = "popular_30d", "popular items of 30 days, the same for everybody"
        POPULAR = "popular", "popular items of all time, the same for everybody"

    experiment = models.ForeignKey(
        Experiment, on_delete=models.CASCADE, related_name="variants", db_index=False
    )
    place = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=50)
    weight = models.PositiveIntegerField(
        default=1,
        help_text="Its part of the experiment's people, beside the other variants' weights.",
    )
    version = models.ForeignKey(
        PlacementVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Whose rules answer; none: those that are live.",
    )
    source = models.CharField(max_length=20, choices=Source, blank=True, default=Source.OWN)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "place"], name="one_variant_per_experiment_and_place"
            ),
            models.UniqueConstraint(
                fields=["experiment", "name"], name="one_variant_per_experiment_and_name"
            ),
            models.CheckConstraint(name="variant_has_a_weight", condition=Q(weight__gte=1)),
            models.CheckConstraint(name="variant_name_is_not_empty", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class ExperimentPerson(models.Model):
    """What one person who takes part has seen and done since the experiment began.

    Nobody takes part before an item of an answer was seen. Sums of `OutcomeOfPerson`, kept so that a look need
    not add up every hour again.
    """

    is_measurement = True  # see `OutcomeOfPerson`

    experiment = models.ForeignKey(
        Experiment, on_delete=models.CASCADE, related_name="people", db_index=False
    )
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, related_name="+")
    variant = models.ForeignKey(
        Variant,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        help_text="None: had more than one, so counts for none. Of interleaving: always the first.",
    )
    impressions = models.PositiveIntegerField()
    clicks = models.PositiveIntegerField()
    second_clicks = models.PositiveIntegerField()
    conversions = models.PositiveIntegerField()
    earlier = models.FloatField(
        help_text="log(1 + events in the four weeks before the experiment began)."
    )

    class Meta:
        verbose_name_plural = "people of experiments"
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "end_user"], name="one_row_per_experiment_and_person"
            ),
        ]

    def __str__(self) -> str:
        return f"end user {self.end_user_id} in experiment {self.experiment_id}"


class ExperimentLook(models.Model):
    """What one variant was worth at one look, and how its answers were; append-only.

    `effect`, `low`, `high` and `p_value` are against the control and hold at every look together; the
    control has none. Of interleaving, the second variant has them: B's part of the credit over A's part.
    """

    variant = models.ForeignKey(
        Variant, on_delete=models.CASCADE, related_name="looks", db_index=False
    )
    at = models.DateTimeField()
    people = models.PositiveIntegerField()
    value = models.FloatField(null=True, blank=True)
    effect = models.FloatField(null=True, blank=True)
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    p_value = models.FloatField(null=True, blank=True)
    wins = models.PositiveIntegerField(
        default=0, help_text="Of interleaving: people who prefer it."
    )
    answers = models.PositiveBigIntegerField(default=0)
    mean_ms = models.FloatField(null=True, blank=True)
    sd_ms = models.FloatField(null=True, blank=True)
    asked_people = models.PositiveBigIntegerField(default=0)
    empty_people = models.PositiveBigIntegerField(default=0)
    items = models.PositiveBigIntegerField(default=0, help_text="Different items shown.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "at"], name="one_look_per_variant_and_time"),
        ]

    def __str__(self) -> str:
        return f"{self.variant_id} at {self.at:%Y-%m-%d %H:%M}"


class ExperimentChange(models.Model):
    """What somebody, or a guardrail, did to an experiment; append-only."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    by = models.CharField(max_length=150, help_text='An account, or "guardrail".')
    text = models.CharField(max_length=1000)

    def __str__(self) -> str:
        return self.text
