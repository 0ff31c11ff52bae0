from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from interests.models import Category
from tests import factories


@pytest.mark.django_db
def test_deleting_a_category_names_how_many_items_lose_it() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.org", "a long password"))
    category = factories.category("Drama")
    for _ in range(3):
        factories.item(categories=(category,))
    address = f"/admin/interests/category/{category.pk}/delete/"

    asked = client.get(address).content.decode()
    client.post(address, {"post": "yes"})

    assert "Drama, which 3 items lose" in asked
    assert "relationship" not in asked
    assert not Category.objects.exists()
