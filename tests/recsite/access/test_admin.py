"""Every admin page of every table, for each group, and what can be done there."""

import re

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from interests.models import (
    Alert,
    AlertDelivery,
    Category,
    ChangeMark,
    DetectorChoice,
    EventKind,
    ImportRun,
    InterestState,
    Item,
    PopulationRun,
    RejectedRow,
    TrackingRun,
    TrainingRun,
)  # fmt: skip
from interests.services import drift_marks
from recommender.models import (
    EvaluationRun,
    MetricValue,
    PairedTest,
    PublicationRun,
    Serving,
    SimilarItems,
    Switch,
)  # fmt: skip
from recsite.access import admin_tools, groups
from recsite.access.models import ApiKey
from tests import factories
from tests.factories import NOW
from tests.interests import changes
from tests.recommender import experiments, studies
from tests.recsite.access.signing_in import messages_of, sign_in

pytestmark = pytest.mark.django_db

OURS = [
    model
    for model in admin.site._registry
    if model._meta.app_label in ("access", "interests", "recommender")
]
every_table = pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)


@pytest.fixture
def engineer():
    return sign_in("engineer")


@pytest.fixture
def curator():
    return sign_in("curator")


@pytest.fixture
def rows():
    """One row in every table."""
    drama = factories.category("Drama")
    emma, ada = factories.item("emma", categories=(drama,)), factories.end_user("ada")
    factories.event(ada, emma)
    run = factories.publication()
    factories.slate(run, ada, [emma])
    factories.popular([emma])
    factories.api_key()
    SimilarItems.objects.create(publication=run, item=emma, items=[emma.pk], item_ids=["emma"], scores=[1])  # fmt: skip
    Switch.objects.create(publication=run, switched_at=NOW)
    imported = ImportRun.objects.create(source="x", **factories.done())
    bad = {"file": "f.csv", "line": 2, "reason": "r", "row": {"a": "b"}}
    RejectedRow.objects.create(import_run=imported, **bad)
    TrackingRun.objects.create(tracker_version="1", **factories.done())
    PopulationRun.objects.create(**factories.done())
    ChangeMark.objects.create(end_user=ada, marked_at=NOW)
    evaluated = EvaluationRun.objects.create(split="time", **factories.done())
    numbers = {"metric": "ndcg@10", "value": 0.1, "num_users": 3}
    MetricValue.objects.create(evaluation_run=evaluated, algorithm="ease", **numbers)
    pair = {"first": "ease", "second": "als", "difference": 0, "low": 0, "high": 0, "p_value": 1}
    PairedTest.objects.create(evaluation_run=evaluated, **pair)
    InterestState.objects.create(
        end_user=ada, tracker_version="1", at=NOW, category_ids=[drama.pk, 0], weights=[0.75, 0.25],
        long_term=[0.5, 0.5], short_term=[0.5, 0.5], event_shares=[0.5, 0.5], num_events=1,
        active_days=1, events_through=NOW, created_at=NOW,
    )  # fmt: skip
    drifted = changes.drift_event(ada, drama, factories.category("Crime"))
    drift_marks.mark(drift_event_id=drifted.pk, verdict="right", made_by=None, now=NOW)
    DetectorChoice.objects.create(threshold=7.0, chosen_at=NOW)
    rule = factories.alert_rule()
    alert = Alert.objects.create(rule=rule, key="k", raised_at=NOW, text="ada changed", payload={})
    AlertDelivery.objects.create(alert=alert, channel="email", target="a@b.c", next_attempt_at=NOW)
    experiments.row_in_every_table(ada)
    studies.row_in_every_table()


def address(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@every_table
def test_list_search_and_row_open_for_an_engineer(engineer, rows, model):
    row = model._default_manager.order_by("pk").first()

    listed = engineer.get(address(model, "changelist"))
    searched = engineer.get(address(model, "changelist"), {"q": "a'd\\a & | ! ( 1"})
    opened = engineer.get(address(model, "change", row.pk))

    assert (listed.status_code, searched.status_code, opened.status_code) == (200, 200, 200)
    assert address(model, "change", row.pk) in listed.content.decode()
    assert "digest" not in opened.content.decode()


@every_table
def test_page_to_add_opens_exactly_where_rows_are_made_by_hand(rows, model):
    root = sign_in()
    by_hand = {Item, Category, EventKind, TrainingRun, PublicationRun, EvaluationRun, ApiKey}

    assert root.get(address(model, "add")).status_code == (200 if model in by_hand else 403)


@every_table
def test_nothing_is_deleted_but_categories(rows, model):
    root = sign_in()
    row = model._default_manager.order_by("pk").first()

    status = root.get(address(model, "delete", row.pk)).status_code

    assert status == (200 if model is Category else 403)


@every_table
@pytest.mark.parametrize("group", groups.GROUPS)
def test_each_group_sees_what_its_rights_allow(rows, model, group):
    allowed = {name for name in groups.rights_of(group)}

    status = sign_in(group).get(address(model, "changelist")).status_code

    assert status == (200 if model._meta.label_lower in allowed else 403)


@every_table
def test_list_takes_the_same_statements_for_one_row_and_for_three(engineer, rows, model):
    """Lists join what they show; the tables with one row only are left as they are."""

    def num_queries():
        engineer.get(address(model, "changelist"))
        with CaptureQueriesContext(connection) as queries:
            engineer.get(address(model, "changelist"))
        return len(queries)

    one = num_queries()
    for n in range(2):
        add_row(model, n)

    assert num_queries() == one


def add_row(model, n):
    person, thing = factories.end_user(), factories.item()
    run = factories.publication(is_serving=False)
    made = {
        "Interaction": lambda: factories.event(person, thing),
        "Slate": lambda: factories.slate(run, person, [thing]),
        "ApiKey": factories.api_key,
        "Category": factories.category,
        "ChangeMark": lambda: ChangeMark.objects.create(end_user=person, marked_at=NOW),
        "Switch": lambda: Switch.objects.create(publication=run, switched_at=NOW),
        "SimilarItems": lambda: SimilarItems.objects.create(
            publication=run, item=thing, items=[], item_ids=[], scores=[]
        ),
    }.get(model.__name__)
    if made:
        made()


def act(client, model, action, *rows, **data):
    return client.post(
        address(model, "changelist"),
        {"action": action, "_selected_action": [row.pk for row in rows], **data},
        follow=True,
    )


def test_items_are_found_by_words_of_the_title_and_by_id(curator):
    factories.item("b-1", title="Pride and Prejudice")
    factories.item("b-2", title="Persuasion")

    def found(term):
        page = curator.get(address(Item, "changelist"), {"q": term})
        return [row.item_id for row in page.context["cl"].result_list]

    assert found("prejud pri") == ["b-1"]
    assert found("B-2") == []
    assert found("b-2") == ["b-2"]
    assert found("b-") == ["b-1", "b-2"]
    assert found("'") == []


def test_items_are_hidden_and_shown(curator):
    items = [factories.item(), factories.item(is_hidden=True)]

    hidden = act(curator, Item, "hide", *items)
    assert messages_of(hidden) == ["1 hidden; 1 were hidden before."]
    assert Item.objects.filter(is_hidden=True).count() == 2

    shown = act(curator, Item, "show", items[0])
    assert messages_of(shown) == ["1 shown again; 0 were not hidden."]
    assert list(Item.objects.filter(is_hidden=True)) == [items[1]]


def test_merge_asks_once_and_names_how_many(curator):
    drama, dramas, comedy = (factories.category(name) for name in ("Drama", "Dramas", "Comedy"))
    both, old = factories.item(categories=(drama, dramas)), factories.item(categories=(dramas,))

    asked = act(curator, Category, "merge", drama, dramas)
    assert re.findall(r"<li>(\w+: \d items?)</li>", asked.content.decode()) == [
        "Drama: 1 item", "Dramas: 2 items",
    ]  # fmt: skip
    assert Category.objects.count() == 3

    done = act(curator, Category, "merge", drama, dramas, into=drama.pk)
    assert messages_of(done)[0].startswith("Merged 1 into Drama: 2 items moved.")
    assert list(Category.objects.order_by("name")) == [comedy, drama]
    assert set(drama.items.all()) == {both, old}


def test_merging_one_category_is_refused(curator):
    response = act(curator, Category, "merge", factories.category())

    assert messages_of(response) == ["Choose at least two categories."]


def test_training_is_started_and_stopped(engineer, django_capture_on_commit_callbacks, monkeypatch):
    from interests import tasks

    sent = []
    monkeypatch.setattr(tasks, "enqueue_run", lambda run: sent.append(run.pk) or True)

    with django_capture_on_commit_callbacks(execute=True):
        engineer.post(address(TrainingRun, "add"), {"seed": 7, "settings": '{"epochs": 2}'})

    run = TrainingRun.objects.get()
    assert sent == [run.pk]
    assert (run.state, run.seed, run.settings) == ("waiting", 7, {"epochs": 2})
    assert run.requested_by.username == "engineer@example.org"

    stopped = act(engineer, TrainingRun, "stop", run)
    run.refresh_from_db()
    assert run.state == "stopped"
    assert messages_of(stopped)[1:] == ["1 asked to stop after their present step; 0 had ended."]


@pytest.mark.django_db(transaction=True)
def test_training_waits_where_the_queue_is_away(engineer, monkeypatch):
    from interests import tasks

    monkeypatch.setattr(tasks, "enqueue_run", lambda run: False)

    engineer.post(address(TrainingRun, "add"), {"seed": 0, "settings": "{}"})

    page = engineer.get(address(TrainingRun, "changelist"))
    assert TrainingRun.objects.get().state == "waiting"
    assert "the queue cannot be reached" in messages_of(page)[-1]


def test_curator_can_start_no_training(curator):
    response = curator.post(address(TrainingRun, "add"), {"seed": 7, "settings": "{}"})

    assert response.status_code == 403
    assert TrainingRun.objects.count() == 0


def test_publication_is_chosen_and_rolled_back(engineer):
    person, thing = factories.end_user(), factories.item()
    first = factories.publication(is_serving=False)
    second = factories.publication(is_serving=False, training_run=first.training_run)
    for run in (first, second):
        factories.slate(run, person, [thing])

    act(engineer, PublicationRun, "serve", first)
    served = act(engineer, PublicationRun, "serve", second)
    assert messages_of(served) == [f"{second} serves now."]
    assert Serving.objects.get().publication == second

    rolled = act(engineer, PublicationRun, "roll_back", second)
    assert messages_of(rolled) == [f"{first} serves again."]
    assert Serving.objects.get().publication == first
    assert Switch.objects.latest("pk").switched_by == "engineer@example.org"

    refused = act(engineer, PublicationRun, "roll_back", second)
    assert messages_of(refused)[0].startswith("No slates of what served before")


def test_rejected_row_of_an_import_that_changed_nothing_says_so(curator):
    run = ImportRun.objects.create(source="x", **factories.done())
    row = RejectedRow.objects.create(import_run=run, file="f.csv", line=2, reason="r", row={})

    response = act(curator, RejectedRow, "replay", row)

    assert messages_of(response) == [
        f"{run}: This import changed nothing. Import the files first, then replay rows."
    ]


def test_rejected_row_is_mended_until_it_went_in(curator):
    run = ImportRun.objects.create(source="x", **factories.done())
    row = RejectedRow.objects.create(
        import_run=run, file="f.csv", line=2, reason="r", row={"kind": "vieu"}
    )
    page = address(RejectedRow, "change", row.pk)

    curator.post(page, {"row": '{"kind": "view"}'})
    row.refresh_from_db()
    assert row.row == {"kind": "view"}

    RejectedRow.objects.update(replayed_at=NOW)
    curator.post(page, {"row": '{"kind": "other"}'})
    row.refresh_from_db()
    assert row.row == {"kind": "view"}


def test_key_is_shown_once_and_revoked(engineer):
    made = engineer.post(
        address(ApiKey, "add"),
        {"name": "shop", "scopes": ["runs:read", "events:write"], "rate_per_minute": 60},
    )

    key = ApiKey.objects.get()
    text = re.search(r'key-text">(rs_[\w-]{40})<', made.content.decode())[1]
    assert (key.name, key.scopes, key.rate_per_minute) == (
        "shop", ["events:write", "runs:read"], 60,
    )  # fmt: skip
    assert key.created_by.username == "engineer@example.org"
    assert "no-store" in made["Cache-Control"]
    assert text not in engineer.get(address(ApiKey, "change", key.pk)).content.decode()
    headers = {"Authorization": f"Bearer {text}"}
    assert Client().get("/api/v1/runs", headers=headers).json()["runs"] == []

    revoked = act(engineer, ApiKey, "revoke", key)
    assert messages_of(revoked) == ["1 revoked; they stop working within 5 seconds."]
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_key_for_browsers_is_made_and_moved_to_another_site(engineer):
    form = {"name": "pages", "scopes": ["events:write"], "rate_per_minute": 60}
    engineer.post(
        address(ApiKey, "add"), form | {"origins": "https://a.example\r\nhttps://b.example/"}
    )
    key = ApiKey.objects.get()
    made = key.origins
    page = engineer.get(address(ApiKey, "change", key.pk)).content.decode()
    engineer.post(
        address(ApiKey, "change", key.pk),
        {"name": "pages", "rate_per_minute": 60, "origins": "https://c.example"},
    )

    key.refresh_from_db()
    assert made == ["https://a.example", "https://b.example"]
    assert "https://a.example\nhttps://b.example</textarea>" in page
    assert key.origins == ["https://c.example"]


def test_key_with_origins_and_more_scopes_is_not_made(engineer):
    answer = engineer.post(
        address(ApiKey, "add"),
        {"name": "pages", "scopes": ["events:write", "runs:read"], "rate_per_minute": 60, "origins": "https://a.example"},
    )  # fmt: skip

    assert "its only scope must be events:write" in answer.content.decode()
    assert ApiKey.objects.count() == 0


def test_key_without_a_scope_is_asked_for_one(engineer):
    engineer.post(address(ApiKey, "add"), {"name": "shop", "rate_per_minute": 60})

    assert ApiKey.objects.count() == 0


def test_a_large_table_is_counted_by_estimate(monkeypatch):
    monkeypatch.setattr(admin_tools, "COUNTED_AT_MOST", 2)
    monkeypatch.setattr(admin_tools, "_estimate", lambda model: 1_000_000)
    for _ in range(4):
        factories.end_user()
    people = factories.EndUser.objects.order_by("pk")

    assert admin_tools.EstimatingPaginator(people, 50).count == 1_000_000
    assert admin_tools.EstimatingPaginator(people.filter(pk__gt=0), 50).count == 3
