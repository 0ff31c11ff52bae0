"""The form of an experiment: what is compared, on whom, what stops it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms import BoundField

from recommender.models import Experiment, Placement, PlacementVersion, Variant
from recommender.ranking.assigning import NUM_BUCKETS
from recommender.selectors import pages_experiments
from recommender.services import checking_experiments
from recommender.services.checking_experiments import Arm

# Rows of variants that the form shows; a row without a name is no variant.
NUM_ROWS = 4
NAMES = "ABCD"


class VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]  # takes none at run time
    """A version of any placement's rules."""

    def label_from_instance(self, obj: Any) -> str:
        """Return which version of which placement it is."""
        note = f": {obj.note[:60]}" if obj.note else ""
        return f"{obj.placement.name}, version {obj.number}{note}"


class ExperimentForm(forms.Form):
    """All of a draft. Shares are in percent here and in buckets in the table."""

    name = forms.CharField(max_length=200, help_text="Such as: more variety on the home page.")
    question = forms.CharField(
        label="What do you expect?",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Written down before, it cannot be made up after.",
    )
    placement = forms.ModelChoiceField(Placement.objects.none(), empty_label=None)
    kind = forms.ChoiceField(
        label="How",
        choices=Experiment.Kind.choices,
        help_text="Mixed lists need far fewer people. They compare where items come from, not rules.",
    )
    metric = forms.ChoiceField(label="What decides", choices=Experiment.Metric.choices)
    least_percent = forms.FloatField(
        label="Smallest change that matters, %", min_value=0.1, max_value=500, initial=5,
        help_text="Smaller ones take longer: half the change, four times the people.",
    )  # fmt: skip
    percent = forms.FloatField(
        label="People who take part, %", min_value=0.01, max_value=100, initial=100,
        help_text="Of the layer's people. Nobody else is touched.",
    )  # fmt: skip
    first_percent = forms.FloatField(
        label="Of these on the first day, %", min_value=0.01, max_value=100, initial=100,
        help_text="Begin with few where much could go wrong.",
    )  # fmt: skip
    ramp_days = forms.IntegerField(
        label="All of them after, days", min_value=0, max_value=365, initial=0,
        help_text="0: by hand.",
    )  # fmt: skip
    layer = forms.CharField(
        max_length=50,
        required=False,
        help_text="Experiments of one layer share nobody. Empty: the placement's own.",
    )
    max_slower_percent = forms.FloatField(
        label="Answers take longer by more than, %", required=False, min_value=1, max_value=10_000, initial=50,
    )  # fmt: skip
    max_empty_percent = forms.FloatField(
        label="More people get an empty answer, by more than, points", required=False, min_value=0.1,
        max_value=100, initial=1,
    )  # fmt: skip
    max_lost_percent = forms.FloatField(
        label="Fewer different items are shown, by more than, %", required=False, min_value=1, max_value=99,
        initial=50, help_text="Empty: not watched.",
    )  # fmt: skip

    def __init__(self, experiment: Experiment, data: Any = None, **initial: Any) -> None:
        super().__init__(data, initial={**_initial(experiment), **initial})
        self.experiment = experiment
        self.fields["placement"].queryset = pages_experiments.placements()  # type: ignore[attr-defined]
        self.arms: list[Arm] = []
        versions = PlacementVersion.objects.select_related("placement").order_by(
            "placement__name", "-number"
        )
        for place in range(NUM_ROWS):
            for name, field in _variant_fields(place, versions).items():
                self.fields[f"variant_{place}_{name}"] = field

    def groups(self) -> list[tuple[str, list[BoundField]]]:
        """Return the fields under the questions that they answer."""
        parts = (
            ("What is tried?", ("name", "question", "placement", "kind")),
            ("What decides?", ("metric", "least_percent")),
            ("What stops it by itself?", ("max_slower_percent", "max_empty_percent", "max_lost_percent")),
            ("Who takes part?", ("percent", "first_percent", "ramp_days", "layer")),
        )  # fmt: skip
        return [(question, [self[name] for name in names]) for question, names in parts]

    def variant_rows(self) -> list[list[BoundField]]:
        """Return the fields of each variant, the control first."""
        names = ("name", "weight", "version", "source")
        return [[self[f"variant_{place}_{name}"] for name in names] for place in range(NUM_ROWS)]

    def clean(self) -> dict[str, Any]:
        """Put what was entered into the experiment and let the service judge it."""
        values = self.cleaned_data
        if self.errors:
            return values
        self._fill(values)
        for name, problem in checking_experiments.problems(self.experiment, self.arms).items():
            self.add_error(name if name in self.fields else None, problem)
        return values

    def _fill(self, values: dict[str, Any]) -> None:
        made = self.experiment
        for name in ("name", "question", "placement", "kind", "metric", "ramp_days"):
            setattr(made, name, values[name])
        made.layer = values["layer"] or values["placement"].name
        made.least_lift = values["least_percent"] / 100
        made.num_buckets = max(1, round(NUM_BUCKETS * values["percent"] / 100))
        made.open_buckets = max(1, round(made.num_buckets * values["first_percent"] / 100))
        for column, field in _LIMITS.items():
            setattr(made, column, None if values[field] is None else values[field] / 100)
        self.arms = [
            Arm(
                name=values[f"variant_{place}_name"],
                weight=values[f"variant_{place}_weight"] or 1,
                version=values[f"variant_{place}_version"],
                source=values[f"variant_{place}_source"],
            )
            for place in range(NUM_ROWS)
            if values[f"variant_{place}_name"]
        ]


_LIMITS = {
    "max_slower": "max_slower_percent",
    "max_empty": "max_empty_percent",
    "max_lost_coverage": "max_lost_percent",
}


def _variant_fields(place: int, versions: Any) -> dict[str, forms.Field]:
    named = NAMES[place] if place < 2 else ""
    what = "Control" if not place else f"Variant {place + 1}"
    return {
        "name": forms.CharField(
            label=f"{what}, name", max_length=50, required=place < 2, initial=named
        ),
        "weight": forms.IntegerField(
            label="Part of the people", required=False, min_value=1, max_value=1_000, initial=1
        ),
        "version": VersionField(
            label="Rules", queryset=versions, required=False, empty_label="Those that are live"
        ),
        "source": forms.ChoiceField(
            label="Items", required=False, choices=Variant.Source.choices
        ),
    }  # fmt: skip


def _initial(made: Experiment) -> dict[str, Any]:
    if made.pk is None:
        return {}
    plain = ("name", "question", "placement", "kind", "metric", "ramp_days", "layer")
    initial: dict[str, Any] = {name: getattr(made, name) for name in plain}
    initial |= {
        "least_percent": round(100 * made.least_lift, 6),
        "percent": round(100 * made.num_buckets / NUM_BUCKETS, 6),
        "first_percent": round(100 * made.open_buckets / made.num_buckets, 4),
    }
    for column, field in _LIMITS.items():
        value = getattr(made, column)
        initial[field] = None if value is None else round(100 * value, 6)
    for variant in made.variants.all():
        for name in ("name", "weight", "source"):
            initial[f"variant_{variant.place}_{name}"] = getattr(variant, name)
        initial[f"variant_{variant.place}_version"] = variant.version_id
    return initial
