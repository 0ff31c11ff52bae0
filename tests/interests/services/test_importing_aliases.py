"""Files that name a guest by the id that was theirs before they became a member."""

import pytest

from interests.models import EndUser, Interaction
from interests.services import merging
from tests import factories
from tests.factories import NOW
from tests.interests.services.imports import import_, write

pytestmark = pytest.mark.django_db


def test_events_and_attributes_of_a_former_guest_make_no_second_person(tmp_path):
    factories.end_user("guest")
    merging.merge(user_id="guest", into="ada", now=NOW)
    write(tmp_path, "guest,i1,view,2026-01-01T10:00:00Z", "ada,i2,view,2026-01-01T11:00:00Z")
    write(tmp_path, "guest,Nobody", "ada,Ada", name="users.csv", header="user_id,name")

    import_(tmp_path)
    import_(tmp_path)

    ada = EndUser.objects.get()
    assert (ada.user_id, ada.attributes) == ("ada", {"name": "Ada"})
    assert list(
        Interaction.objects.order_by("occurred_at").values_list("end_user", "item__item_id")
    ) == [(ada.pk, "i1"), (ada.pk, "i2")]
