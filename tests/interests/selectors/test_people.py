import pytest

from interests.selectors import people
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys() -> list[int]:
    """Make people with 2, 0, 1, 7, 3 and 1 events; return their keys."""
    thing = factories.item()
    persons = [factories.end_user() for _ in range(6)]
    for person, count in zip(persons, (2, 0, 1, 7, 3, 1), strict=True):
        for _ in range(count):
            factories.event(person, thing)
    return [person.pk for person in persons]


def found(**options: int) -> list[list[int]]:
    return [block.tolist() for block in people.blocks(**{"after": 0, "max_people": 9, **options})]


def test_blocks_hold_everybody_with_events_in_order_of_key(keys):
    assert found(max_events=99) == [[keys[0], *keys[2:]]]
    assert people.num_with_events() == 5


def test_blocks_hold_few_people(keys):
    assert found(max_people=2, max_events=99) == [[keys[0]], keys[2:4], keys[4:]]


def test_blocks_hold_few_events_but_one_person_at_least(keys):
    assert found(max_events=4) == [[keys[0], keys[2]], [keys[3]], keys[4:]]


def test_blocks_begin_after_a_key(keys):
    assert found(after=keys[3], max_events=99) == [keys[4:]]
    assert found(after=keys[5], max_events=99) == []
