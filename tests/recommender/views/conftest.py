"""Accounts of each role, signed in."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.test import Client


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


def _signed_in(role: str) -> Client:
    account = User.objects.create_user(role, f"{role}@example.org", "a long password")
    account.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(account)
    return client


@pytest.fixture
def analyst(db: None) -> Client:
    return _signed_in("analyst")


@pytest.fixture
def engineer(db: None) -> Client:
    return _signed_in("engineer")
