"""Rules of alerts as people make them: checked, kept, muted, their secrets renewed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from interests.models import AlertRule
from interests.selectors.alert_shares import WORKED_OUT
from interests.services import webhooks

Condition, Scope = AlertRule.Condition, AlertRule.Scope
MUTES = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}
# Another choice here makes another rule of it: what came before is not new to that one.
WATCHED = (
    "is_active", "scope", "end_user_id", "segment_kind", "segment", "condition", "category_id",
    "threshold",
)  # fmt: skip


class CannotKeep(Exception):
    """The rule makes no sense; `problems` says what is wrong, by field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


def problems(rule: AlertRule) -> dict[str, str]:
    """Return what is wrong with a rule and what to do about it, by field; empty: nothing."""
    return {
        **_problems_of_scope(rule),
        **_problems_of_condition(rule),
        **_problems_of_receivers(rule),
    }


def save(*, rule: AlertRule, now: datetime) -> AlertRule:
    """Make a rule or change it. From then on it watches what comes.

    Raises:
        CannotKeep: what it is to watch or to whom it is to speak makes no sense.
    """
    found = problems(rule)
    if found:
        raise CannotKeep(found)
    with transaction.atomic():
        if rule.pk is None:
            rule.created_at = rule.looked_at = now
        else:
            before = AlertRule.objects.select_for_update().get(pk=rule.pk)
            is_another = any(getattr(rule, name) != getattr(before, name) for name in WATCHED)
            rule.looked_at = now if is_another else before.looked_at
            rule.muted_until, rule.secret_version = before.muted_until, before.secret_version
        rule.save()
    return rule


def delete(*, rule_id: int) -> None:
    """Delete a rule with all that it raised; what is on its way is not sent."""
    AlertRule.objects.filter(pk=rule_id).delete()


def mute(*, rule_id: int, until: datetime | None) -> None:
    """Keep a rule silent until a time; None lets it speak again. What it raises meanwhile is counted."""
    AlertRule.objects.filter(pk=rule_id).update(muted_until=until)


def renew_secret(*, rule_id: int) -> None:
    """Give a rule another signing secret; the one before signs nothing from now on."""
    AlertRule.objects.filter(pk=rule_id).update(secret_version=F("secret_version") + 1)


def _problems_of_scope(rule: AlertRule) -> dict[str, str]:
    found = {}
    if rule.scope == Scope.END_USER:
        if rule.end_user_id is None:
            found["end_user"] = "Enter the id of the end user to watch."
        if rule.condition != Condition.DRIFT_EVENT:
            found["condition"] = (
                "Of one end user only changes of interests are watched. Shares are of a segment or everybody."
            )
    if rule.scope == Scope.SEGMENT:
        if not rule.segment_kind or not rule.segment:
            found["segment"] = "Choose the segment to watch."
        elif rule.segment_kind in WORKED_OUT and rule.condition in (
            Condition.DRIFT_EVENT,
            Condition.DRIFTERS_ABOVE,
        ):
            found["segment"] = (
                "This condition needs a segment by an attribute of end users. Of segments by first month or "
                "activity, shares can be watched."
            )
    return found


def _problems_of_condition(rule: AlertRule) -> dict[str, str]:
    found = {}
    limit = rule.threshold
    if limit is not None and not 0 <= limit <= 1:
        found["threshold"] = "Enter a share between 0 and 100 %."
    beyond = (Condition.SHARE_ABOVE, Condition.SHARE_BELOW)
    if rule.condition in beyond and rule.category_id is None:
        found["category"] = "Choose the category whose share is watched."
    if rule.condition in (*beyond, Condition.DRIFTERS_ABOVE) and limit is None:
        found["threshold"] = "Enter the share that is the limit."
    if rule.condition == Condition.DRIFTERS_ABOVE and rule.category_id is not None:
        found["category"] = "This condition is of no one category. Leave it open."
    return found


def _problems_of_receivers(rule: AlertRule) -> dict[str, str]:
    if not rule.webhook_url:
        return {}
    try:
        webhooks.parse(rule.webhook_url)
    except webhooks.RefusedAddress as error:
        return {"webhook_url": str(error)}
    return {}
