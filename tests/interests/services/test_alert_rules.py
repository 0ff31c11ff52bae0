from __future__ import annotations

from datetime import timedelta

import pytest

from interests.models import Alert, AlertRule
from interests.services import alert_rules, alerting, curating
from tests import factories
from tests.factories import NOW

HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


def made(**fields) -> AlertRule:
    return AlertRule(
        **{"name": "mine", "scope": "population", "condition": "drift_event", **fields}
    )


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, []),
        ({"threshold": 0.9}, []),
        ({"threshold": 1.1}, ["threshold"]),
        ({"threshold": -0.1}, ["threshold"]),
        ({"scope": "end_user"}, ["end_user"]),
        ({"scope": "end_user", "condition": "share_moves"}, ["end_user", "condition"]),
        ({"scope": "segment"}, ["segment"]),
        ({"scope": "segment", "segment_kind": "plan", "segment": "paid"}, []),
        ({"scope": "segment", "segment_kind": "activity", "segment": "many events"}, ["segment"]),
        (
            {"scope": "segment", "segment_kind": "activity", "segment": "many events", "condition": "share_moves"},
            [],
        ),
        ({"condition": "share_above"}, ["category", "threshold"]),
        ({"condition": "share_below", "threshold": 0.2}, ["category"]),
        ({"condition": "share_moves"}, []),
        ({"condition": "drifters_above"}, ["threshold"]),
        ({"condition": "drifters_above", "threshold": 0.1}, []),
        ({"condition": "drifters_above", "threshold": 0.1, "category_id": 1}, ["category"]),
        ({"webhook_url": "https://example.org/hook"}, []),
        ({"webhook_url": "http://example.org/hook"}, ["webhook_url"]),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_by_field(fields, wrong):
    rule = made(**fields)

    assert list(alert_rules.problems(rule)) == wrong


def test_what_makes_no_sense_is_not_kept():
    with pytest.raises(alert_rules.CannotKeep, match="Enter the id of the end user"):
        alert_rules.save(rule=made(scope="end_user"), now=NOW)

    assert not AlertRule.objects.exists()


def test_a_new_rule_looks_from_now_on():
    rule = alert_rules.save(rule=made(), now=NOW)

    rule.refresh_from_db()
    assert (rule.created_at, rule.looked_at) == (NOW, NOW)


@pytest.mark.parametrize(
    ("change", "num"),
    [({"name": "other"}, 1), ({"budget_per_week": 3}, 1), ({"threshold": 0.5}, 0)],
)
def test_a_rule_that_watches_something_else_starts_anew(change, num):
    rule = alert_rules.save(rule=made(), now=NOW)
    rising, falling = factories.category(), factories.category()
    factories.drift_event(
        factories.end_user(), rising=rising, falling=falling, detected_at=NOW + HOUR
    )

    for name, value in change.items():
        setattr(rule, name, value)
    alert_rules.save(rule=rule, now=NOW + 2 * HOUR)

    assert alerting.look(now=NOW + 2 * HOUR) == num


def test_saving_an_old_copy_brings_back_neither_secret_nor_silence():
    rule = alert_rules.save(rule=made(), now=NOW)
    alert_rules.mute(rule_id=rule.pk, until=NOW + HOUR)
    alert_rules.renew_secret(rule_id=rule.pk)

    alert_rules.save(rule=rule, now=NOW)

    rule.refresh_from_db()
    assert (rule.muted_until, rule.secret_version) == (NOW + HOUR, 2)
    alert_rules.mute(rule_id=rule.pk, until=None)
    rule.refresh_from_db()
    assert rule.muted_until is None


def test_deleting_takes_along_what_it_raised():
    rule = alert_rules.save(rule=made(emails=["a@example.org"]), now=NOW)
    alerting.send_test(rule=rule, now=NOW)

    alert_rules.delete(rule_id=rule.pk)

    assert not Alert.objects.exists()


def test_a_rule_on_a_merged_category_watches_the_one_it_became():
    farce, comedy = factories.category("Farce"), factories.category("Comedy")
    rule = alert_rules.save(rule=made(category=farce), now=NOW)

    curating.merge_categories(category_keys=[farce.pk, comedy.pk], into=comedy, now=NOW)

    rule.refresh_from_db()
    assert rule.category == comedy
