from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from django.test import Client

from interests import tasks
from interests.learning import scoring
from interests.models import Category, Item, RunState, TrackingRun
from interests.selectors import events
from interests.services import areas
from tests import factories

pytestmark = pytest.mark.django_db
NUM_ITEMS = 48


class Network:
    """Knows the items by their number: every fourth lies in one direction."""

    def __init__(self, turn: int = 0) -> None:
        self.turn = turn

    def item_index(self, catalogue) -> np.ndarray:
        return np.arange(catalogue.num_items)


@pytest.fixture(autouse=True)
def embeddings(monkeypatch):
    def item_embeddings(network: Network) -> np.ndarray:
        number = np.arange(Item.objects.count())
        wobble = np.random.default_rng(network.turn).normal(0, 0.01, (len(number), 4))
        return np.roll(np.eye(4), network.turn, axis=1)[number % 4] + wobble

    monkeypatch.setattr(scoring, "item_embeddings", item_embeddings)


@pytest.fixture
def items() -> list[Item]:
    words = ("robot", "garden", "pirate", "kitchen")
    made = [
        factories.item(f"i{number:03d}", title=f"{words[number % 4]} {number}")
        for number in range(NUM_ITEMS)
    ]
    for thing in made:
        factories.event(factories.end_user(), thing)
    return made


def learn(turn: int = 0) -> int | None:
    known = events.interaction_log()
    found = areas.sort_items(Network(turn), known.log, known.loaded, seed=0)  # type: ignore[arg-type]
    return None if found is None else areas.write(found)


def names_of(items: list[Item]) -> list[list[str]]:
    return [[category.name for category in item.categories.order_by("pk")] for item in items]


def test_items_without_categories_are_sorted_into_named_areas(items):
    assert learn() == 4

    assert names_of(items[:4]) == [["Robot"], ["Garden"], ["Pirate"], ["Kitchen"]]
    assert names_of(items) == names_of(items[:4]) * (NUM_ITEMS // 4)
    learned = Category.objects.filter(is_learned=True).order_by("colour_rank")
    assert [row.colour_rank for row in learned] == [0, 1, 2, 3]
    assert set(events.interaction_log().log.catalogue.category_names) == {
        "Robot", "Garden", "Pirate", "Kitchen", "uncategorised",
    }  # fmt: skip


def test_a_later_training_keeps_areas_and_the_names_that_curators_gave(items):
    learn()
    Category.objects.filter(name="Robot").update(name="Machines")
    before = dict(Category.objects.values_list("pk", "name"))
    late = [factories.item(f"j{number}", title="new") for number in range(4)]

    assert learn(turn=1) == 4

    assert dict(Category.objects.values_list("pk", "name")) == before
    assert names_of([items[0], *late]) == [
        ["Machines"], ["Machines"], ["Garden"], ["Pirate"], ["Kitchen"],
    ]  # fmt: skip


def test_where_most_events_have_a_category_nothing_is_learned(items):
    shelf = factories.category("Shelf")
    for thing in items[: int(NUM_ITEMS * 0.8)]:
        thing.categories.add(shelf)

    assert learn() is None
    assert names_of(items[-1:]) == [[]]


def test_items_with_a_category_of_their_own_keep_it_alone(items):
    shelf = factories.category("Shelf")
    items[0].categories.add(shelf)

    learn()

    assert names_of(items[:2]) == [["Shelf"], ["Garden"]]


def test_items_of_categories_that_are_not_used_count_as_without(items):
    everything = factories.category("Everything")
    for thing in items:
        thing.categories.add(everything)
    assert learn() is None

    assert areas.set_used(category_keys=[everything.pk], is_used=False) == 1
    assert areas.set_used(category_keys=[everything.pk], is_used=False) == 0

    known = events.interaction_log().log.catalogue
    assert (known.category_names, known.shares.sum(0).tolist()) == (("uncategorised",), [48.0])
    assert learn() == 4
    assert names_of(items[:1]) == [["Everything", "Robot"]]


def test_too_few_items_or_a_site_that_does_not_want_areas_get_none(items, settings):
    settings.LEARN_AREAS = False
    assert learn() is None
    settings.LEARN_AREAS = True

    items[0].interactions.all().delete()
    for thing in items[10:]:
        thing.interactions.all().delete()
        thing.delete()
    assert learn() is None


def test_a_curator_takes_categories_out_of_use_in_the_admin(admin_client: Client):
    rows = [factories.category("A"), factories.category("B", is_used=False)]

    answer = admin_client.post(
        "/admin/interests/category/",
        {"action": "do_not_use", "_selected_action": [row.pk for row in rows]},
        follow=True,
    )

    said = [str(message) for message in answer.context["messages"]]
    assert said == ["1 are no longer followed, from the next tracking on. 1 were so before."]
    assert set(Category.objects.values_list("is_used", flat=True)) == {False}


def test_taking_categories_out_of_use_replays_everybody_into_a_new_version(
    admin_client: Client, monkeypatch, django_capture_on_commit_callbacks
):
    sent: list[TrackingRun] = []
    monkeypatch.setattr(tasks, "enqueue_run", sent.append)
    TrackingRun.objects.create(**factories.done(tracker_version="mixture-1"))
    category = factories.category("A")

    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(
            "/admin/interests/category/",
            {"action": "do_not_use", "_selected_action": [category.pk]},
        )

    assert sent == list(TrackingRun.objects.filter(state=RunState.WAITING))
    assert len(sent) == 1


def test_sorting_without_a_network_of_items_does_nothing():
    known = SimpleNamespace(num_events=0, items=np.zeros(0, int))

    found = areas.sort_items(
        Network(),  # type: ignore[arg-type]
        known,  # type: ignore[arg-type]
        events.load_catalogue(),
        seed=0,
    )

    assert found is None
