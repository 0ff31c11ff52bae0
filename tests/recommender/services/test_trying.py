from __future__ import annotations

import pytest
from django.apps import apps

from interests.models import EndUser, Interaction, Item, TrainingRun
from interests.services import tracking
from recommender.models import PublicationRun
from recommender.services import refreshing, trying
from recommender.services.previewing import CannotPreview
from tests import factories
from tests.recommender.services.test_publishing import published

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refreshing, "memory", refreshing.Memory())


@pytest.fixture
def serving(training: TrainingRun) -> PublicationRun:
    return published(training)


def person() -> EndUser:
    return EndUser.objects.get(user_id="user 3")


def newest(number: int) -> list[int]:
    own = Interaction.objects.filter(end_user=person()).order_by("-occurred_at")
    return list(own.values_list("pk", flat=True)[:number])


def item(number: int) -> int:
    return Item.objects.get(item_id=f"item {number}").pk


def what_if(removed: list[int] = (), added: list[tuple[int, str]] = ()) -> dict:  # type: ignore[assignment]
    return trying.what_if(end_user_id=person().pk, removed=list(removed), added=list(added))


def test_without_a_change_both_sides_are_what_is_stored(serving):
    tracking.renew_states(
        end_user_ids=[person().pk], now=factories.NOW,
        network=refreshing.memory.network(serving.training_run), training_run=serving.training_run,
    )  # fmt: skip

    found = what_if()

    state, slate = person().current_state, serving.slates.get(end_user=person())
    assert found["category_ids"] == state.category_ids
    assert found["weights_before"] == pytest.approx(state.weights, abs=1e-6)
    assert found["weights_after"] == found["weights_before"]
    assert found["before"] == found["after"] == slate.items
    assert (found["num_before"], found["num_after"]) == (6, 6)


def test_an_item_left_out_may_be_recommended_again(serving):
    gone = newest(1)
    thing = Interaction.objects.get(pk=gone[0]).item_id

    found = what_if(removed=gone)

    assert thing not in found["before"]
    assert thing in found["after"]
    assert (found["num_before"], found["num_after"]) == (6, 5)


def test_events_put_in_move_weights_and_leave_the_list(serving):
    travel = [item(number) for number in (1, 15, 17, 19)]

    found = what_if(added=[(key, "view") for key in travel])

    assert set(found["before"]) - set(found["after"]) == set(travel) & set(found["before"])
    names = dict(zip(found["category_ids"], found["weights_after"], strict=True))
    before = dict(zip(found["category_ids"], found["weights_before"], strict=True))
    # Odd items are Travel, which has the higher key of the two.
    poetry, travels = sorted(key for key in names if key)
    assert names[travels] > before[travels]
    assert names[poetry] < before[poetry]
    assert found["num_after"] == 10


def test_nothing_is_stored(serving):
    def rows() -> dict[str, list]:
        return {
            model._meta.label: sorted(model._default_manager.values_list(), key=repr)
            for app in ("interests", "recommender")
            for model in apps.get_app_config(app).get_models()
        }

    before = rows()

    what_if(removed=newest(2), added=[(item(19), "view")])

    assert rows() == before


@pytest.mark.parametrize(
    ("removed", "added", "said"),
    [
        ([-5], [], "-5 is no event of this person"),
        ([], [(-7, "view")], "no item with the key -7"),
        ([], [(None, "gaze")], "no kind of event called gaze"),
    ],
)
def test_what_is_not_known_is_said(serving, removed, added, said):
    added = [(item(1) if key is None else key, kind) for key, kind in added]

    with pytest.raises(CannotPreview, match=said):
        what_if(removed=removed, added=added)


def test_somebody_elses_event_cannot_be_left_out(serving):
    other = Interaction.objects.filter(end_user__user_id="user 4").first()

    with pytest.raises(CannotPreview, match="no event of this person"):
        what_if(removed=[other.pk])


def test_something_has_to_be_left(serving):
    with pytest.raises(CannotPreview, match="No event would be left"):
        what_if(removed=newest(6))
