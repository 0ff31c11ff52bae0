"""Erasure leaves nothing that names the person, in any table or in Redis, and nobody brings it back."""

from datetime import timedelta

import numpy as np
import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection

from interests.models import (
    Alert,
    AlertDelivery,
    AlertRule,
    Alias,
    Controls,
    Drifter,
    EndUser,
    ImportRun,
    Impression,
    Interaction,
    PopulationRun,
    RejectedRow,
    TrackingRun,
)
from interests.selectors import belongings, events
from interests.services import erasing, tracking
from interests.services.controlling import Wishes, put
from interests.services.erasing import EndUserUnknown
from recommender.models import EvaluationList, EvaluationQuestion, EvaluationRun, Slate
from recommender.services import asking, slating
from recommender.services.slating import Ranked
from recsite.access.models import AuditEntry
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    """Make somebody who has a row in everything that tells of people, and a bystander."""
    drama, comedy = factories.category("Drama"), factories.category("Comedy")
    thing = factories.item(categories=(drama,))
    ada, bob = factories.end_user("ada"), factories.end_user("bob")
    publication = factories.publication()
    for person in (ada, bob):
        factories.event(person, thing)
        put(user_id=person.user_id, wishes=Wishes(muted=["Comedy"]), now=NOW)
        Impression.objects.create(
            event_id=person.user_id, end_user=person, item=thing, occurred_at=NOW, received_at=NOW
        )
        Alias.objects.create(user_id=f"guest {person}", end_user=person, created_at=NOW)
        factories.drift_event(person, rising=drama, falling=comedy)
        factories.slate(publication, person, [thing])
        rule = factories.alert_rule(scope="end_user", end_user=person, emails=["a@b.example"])
        alert = Alert.objects.create(
            rule=rule, key="k", end_user=person, raised_at=NOW, text=f"{person} turned to Drama",
            payload={"user_id": person.user_id},
        )  # fmt: skip
        AlertDelivery.objects.create(
            alert=alert, channel="email", target="a@example.org", next_attempt_at=NOW
        )
        Drifter.objects.create(
            run=PopulationRun.objects.get_or_create(defaults=factories.done(), pk=1)[0],
            rank=person.pk, end_user=person, drift_score=1, p_value=0, q_value=0, rising=[], falling=[],
        )  # fmt: skip
        question = EvaluationQuestion.objects.create(
            evaluation_run=EvaluationRun.objects.get_or_create(defaults=factories.done(), pk=1)[0],
            end_user=person, num_events=1, seen=[thing.pk], seen_at=[NOW], targets=[thing.pk],
        )  # fmt: skip
        EvaluationList.objects.create(question=question, algorithm="ease", items=[], ndcg=0)
    run = ImportRun.objects.create(**factories.done())
    for line, row in enumerate(
        ({"user_id": "ada"}, {"userId": "guest ada"}, {"user_id": "bob"}, {"item_id": "ada"})
    ):
        RejectedRow.objects.create(import_run=run, file="f.csv", line=line, reason="r", row=row)
    tracking.renew_states(end_user_ids=[ada.pk, bob.pk], now=NOW)
    return ada


def rows_that_say(text):
    """Return each table and column in which any row holds a text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND data_type IN ('text', 'character varying', 'jsonb', 'ARRAY') AND table_name IN "
            "(SELECT tablename FROM pg_tables WHERE schemaname = 'public')"
        )
        found = set()
        for table, column in cursor.fetchall():
            cursor.execute(
                f'SELECT EXISTS (SELECT FROM "{table}" WHERE "{column}"::text LIKE %s)',
                [f"%{text}%"],
            )
            if cursor.fetchone()[0]:
                found.add((table, column))
    return found


def test_no_table_names_the_person_any_more_and_everybody_else_stays(ada):
    before = {one.label: one.rows([ada.pk]).count() for one in belongings.everything()}
    assert set(before) - {label for label, count in before.items() if count} <= {
        "interests.detectorsnapshot", "interests.driftmark", "recommender.experimentperson",
        "recommender.outcomeofperson", "interests.changemark", "interests.trackerstanding",
    }  # fmt: skip

    erasing.erase(user_id="ada")

    # "item_id": a file may call an item by the same name.
    assert rows_that_say("ada") == {("interests_rejectedrow", "row")}
    assert list(RejectedRow.objects.order_by("line").values_list("line", flat=True)) == [2, 3]
    assert {
        one.label: one.rows([ada.pk]).count() for one in belongings.everything()
    } == dict.fromkeys(before, 0)
    bob = EndUser.objects.get()
    after = {one.label: one.rows([bob.pk]).count() for one in belongings.everything()}
    assert after == before
    assert (AlertDelivery.objects.count(), AlertRule.objects.count()) == (1, 1)


def test_erased_by_the_id_of_the_guest_too(ada):
    erasing.erase(user_id="guest ada")

    assert list(EndUser.objects.values_list("user_id", flat=True)) == ["bob"]


def test_audit_keeps_the_deed_and_nothing_of_the_person(ada):
    key = str(ada.pk)
    LogEntry.objects.create(
        user=User.objects.create_user("curator"), object_id=key, object_repr="ada",
        content_type=ContentType.objects.get_for_model(EndUser), action_flag=CHANGE,
    )  # fmt: skip
    assert AuditEntry.objects.filter(table="interests.controls", object_key=key).exists()

    erasing.erase(user_id="ada")

    kept = AuditEntry.objects.filter(object_key=key, table__in=["interests.controls", "interests.enduser"])  # fmt: skip
    assert list(kept.values_list("table", "action", "before", "after")) == [
        ("interests.enduser", "erase", None, {"events": 1})
    ]
    assert LogEntry.objects.count() == 0


def test_nobody_is_not_found_and_rows_of_files_alone_can_be_erased(ada):
    RejectedRow.objects.filter(line=2).update(row={"user_id": "carl"})
    erased = erasing.erase(user_id="carl")

    assert (erased.num_events, erased.num_rows) == (0, 1)
    with pytest.raises(EndUserUnknown):
        erasing.erase(user_id="carl")


def test_answers_kept_in_redis_go_with_the_person(ada, django_capture_on_commit_callbacks):
    bob = EndUser.objects.get(user_id="bob")
    keys = [
        asking.key_of("what_if", arguments={"end_user_id": person.pk}, depends_on=[])
        for person in (ada, bob)
    ]
    for key in keys:
        asking.keep_answer(key, {"items": [1]}, now=0.0)

    with django_capture_on_commit_callbacks(execute=True):
        erasing.erase(user_id="ada")

    assert [asking.look(key, now=0.0) is None for key in keys] == [True, False]
    cache.clear()


def test_work_under_way_does_not_bring_the_person_back(ada):
    """What was read before the erasure writes no slate, state or drift event after it."""
    bob = EndUser.objects.get(user_id="bob")
    known = events.interaction_log()
    publication = factories.publication(is_serving=False)
    ranked = Ranked(
        users=np.array([0, 1], np.int32),
        items=np.zeros((2, 1), np.int32),
        scores=np.ones((2, 1), np.float32),
    )

    erasing.erase(user_id="ada")

    arrays = slating.arrays_of(known.loaded)
    for write in (slating.insert, slating.renew):
        written = write(
            publication_id=publication.pk, log=known, ranked=ranked, arrays=arrays, now=NOW
        )
        assert written == 1
    assert set(Slate.objects.values_list("end_user", flat=True)) == {bob.pk}
    assert events.interaction_log().user_keys.tolist() == [bob.pk]


def test_tracking_under_way_leaves_out_who_was_erased_or_opted_out_meanwhile(ada, monkeypatch):
    bob, eve = EndUser.objects.get(user_id="bob"), factories.end_user("eve")
    factories.event(eve, factories.item(), occurred_at=NOW - timedelta(days=1))
    read = events.interaction_log

    def read_and_lose(**options):
        known = read(**options)
        erasing.erase(user_id="ada")
        put(user_id="bob", wishes=Wishes(is_opted_out=True), now=NOW)
        return known

    monkeypatch.setattr(events, "interaction_log", read_and_lose)
    run = TrackingRun.objects.create(requested_at=NOW, tracker_version="t")
    tracking.track_everybody(run_id=run.pk)

    assert set(run.states.values_list("end_user", flat=True)) == {eve.pk}
    bob.refresh_from_db()
    assert bob.current_state is None
    assert Controls.objects.get().end_user == bob
    assert Interaction.objects.filter(end_user=bob).count() == 1
