"""Placements as curators and analysts see them."""

from __future__ import annotations

import pytest
from django.test import Client

from recommender.models import Placement
from tests import factories
from tests.recommender.views import pages

pytestmark = pytest.mark.django_db


def test_smoke(engineer: Client) -> None:
    factories.end_user("ann")
    for a in ("/placements", "/placements/default", "/placements/new", "/placements/default/edit"):
        print(pages.text(engineer.get(a))[:3000])
