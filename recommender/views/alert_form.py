"""The form of an alert rule."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.forms import BoundField

from interests.models import AlertRule, Category, EndUser
from interests.selectors import alert_shares
from interests.services import alert_rules

MOST_EMAILS = 20
# Between kind and name of a segment in a form; neither holds it.
SEPARATOR = "\x1f"


class EmailsField(forms.CharField):
    """E-mail addresses, one a line or joined by commas."""

    widget = forms.Textarea(attrs={"rows": 2})

    def prepare_value(self, value: Any) -> Any:
        """Return addresses as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        """Return the addresses, each once."""
        text = super().clean(value) or ""
        found = list(dict.fromkeys(text.replace(",", " ").replace(";", " ").split()))
        if len(found) > MOST_EMAILS:
            raise ValidationError(f"At most {MOST_EMAILS} addresses. Make a mailing list of more.")
        for address in found:
            try:
                validate_email(address)
            except ValidationError as error:
                raise ValidationError(f'"{address}" is no e-mail address.') from error
        return found


class RuleForm(forms.Form):
    """What to watch, how loudly to speak, whom to tell."""

    name = forms.CharField(max_length=200, help_text="What the alert is called in mails.")
    condition = forms.ChoiceField(label="Tell when", choices=AlertRule.Condition.choices)
    scope = forms.ChoiceField(label="Of", choices=AlertRule.Scope.choices[::-1])
    end_user = forms.CharField(
        label="End user, where it is about one",
        required=False,
        max_length=512,
        help_text="The user id.",
    )
    segment = forms.ChoiceField(
        label="Segment, where it is about one",
        required=False,
        help_text="Those of the newest population report.",
    )
    category = forms.ModelChoiceField(
        Category.objects.none(),
        required=False,
        empty_label="Any category",
        help_text="For changes of interests: one that must rise or fall.",
    )
    percent = forms.FloatField(
        label="Limit, in %",
        required=False,
        min_value=0,
        max_value=100,
        help_text="Of a share: the whole 95 % interval must lie beyond it. Of a change of interests: how sure it "
        "must be. Of a move: how far at least, in percentage points.",
    )
    cool_down_hours = forms.FloatField(
        label="Cool-down, hours", min_value=0, max_value=8760, initial=24,
        help_text="So long it is silent about the same end user or category.",
    )  # fmt: skip
    budget_per_week = forms.IntegerField(
        label="At most this many a week", min_value=0, max_value=10_000, initial=50,
        help_text="More in seven days are listed, not sent.",
    )  # fmt: skip
    webhook_url = forms.URLField(
        label="Webhook", required=False, max_length=1000, assume_scheme="https",
        help_text="An https address that takes signed JSON.",
    )  # fmt: skip
    emails = EmailsField(label="E-mail", required=False, help_text="One address a line.")
    is_active = forms.BooleanField(label="Active", required=False, initial=True)

    def __init__(self, rule: AlertRule, data: Any = None) -> None:
        super().__init__(data, initial=_initial(rule))
        self.rule = rule
        self.fields["category"].queryset = Category.objects.order_by("name")  # type: ignore[attr-defined]
        segments = alert_shares.segments()
        own = (rule.segment_kind, rule.segment)
        if rule.segment and own not in segments:
            segments.append(own)
        choices = [(SEPARATOR.join(pair), f"{pair[0]}: {pair[1]}") for pair in segments]
        nothing = "Choose one" if choices else "None yet: they come with the population report"
        self.fields["segment"].choices = [("", nothing), *choices]  # type: ignore[attr-defined]

    def groups(self) -> list[tuple[str, list[BoundField]]]:
        """Return the fields under the questions that they answer."""
        parts = (
            ("What should it watch?", ("name", "condition", "scope", "end_user", "segment", "category", "percent")),
            ("How loud may it be?", ("cool_down_hours", "budget_per_week", "is_active")),
            ("Who is told?", ("webhook_url", "emails")),
        )  # fmt: skip
        return [(question, [self[name] for name in names]) for question, names in parts]

    def clean_name(self) -> str:
        """Refuse a name that another rule has."""
        name: str = self.cleaned_data["name"]
        if AlertRule.objects.filter(name=name).exclude(pk=self.rule.pk).exists():
            raise ValidationError("Another rule has this name.")
        return name

    def clean_end_user(self) -> EndUser | None:
        """Return the end user of this id."""
        user_id = self.cleaned_data["end_user"]
        if not user_id:
            return None
        found = EndUser.objects.filter(user_id=user_id).first()
        if found is None:
            raise ValidationError("There is no end user with this id.")
        return found

    def clean(self) -> dict[str, Any]:
        """Put what was entered into the rule and let the service judge it."""
        values = self.cleaned_data
        if not self.errors:
            self._fill(values)
            for name, problem in alert_rules.problems(self.rule).items():
                self.add_error("percent" if name == "threshold" else name, problem)
        return values

    def _fill(self, values: dict[str, Any]) -> None:
        rule, scope = self.rule, values["scope"]
        is_segment = scope == AlertRule.Scope.SEGMENT
        kind, _, segment = values["segment"].partition(SEPARATOR) if is_segment else ("", "", "")
        rule.scope, rule.segment_kind, rule.segment = scope, kind, segment
        rule.end_user = values["end_user"] if scope == AlertRule.Scope.END_USER else None
        rule.threshold = None if values["percent"] is None else values["percent"] / 100
        for name in (
            "name", "condition", "category", "cool_down_hours", "budget_per_week", "webhook_url",
            "emails", "is_active",
        ):  # fmt: skip
            setattr(rule, name, values[name])


def _initial(rule: AlertRule) -> dict[str, Any]:
    if rule.pk is None:
        return {}
    plain = (
        "name", "condition", "scope", "cool_down_hours", "budget_per_week", "webhook_url", "emails",
        "is_active",
    )  # fmt: skip
    return {name: getattr(rule, name) for name in plain} | {
        "end_user": rule.end_user.user_id if rule.end_user else "",
        "segment": SEPARATOR.join((rule.segment_kind, rule.segment)) if rule.segment else "",
        "category": rule.category_id,
        "percent": None if rule.threshold is None else round(100 * rule.threshold, 6),
    }
