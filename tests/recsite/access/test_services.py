"""Keys are made, kept as a hash, and revoked."""

import hashlib

import pytest

from recsite.access import services
from recsite.access.models import ApiKey
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def test_key_is_kept_only_as_its_hash():
    key, text = services.make_key(
        name="shop", scopes=["runs:read", "events:write", "runs:read"], created_by=None, now=NOW
    )

    key.refresh_from_db()
    assert (len(text), text[:3]) == (43, "rs_")
    assert bytes(key.digest) == hashlib.sha256(text.encode()).digest()
    assert key.prefix == text[:12]
    assert key.scopes == ["events:write", "runs:read"]


@pytest.mark.parametrize("scopes", [[], ["everything"]])
def test_key_without_a_scope_that_exists_is_not_made(scopes):
    with pytest.raises(services.UnknownScope, match="Scopes are: events:write, "):
        services.make_key(name="shop", scopes=scopes, created_by=None, now=NOW)

    assert ApiKey.objects.count() == 0


def test_revoking_by_prefix_needs_exactly_one_working_key():
    key, text = services.make_key(name="a", scopes=["runs:read"], created_by=None, now=NOW)
    services.make_key(name="b", scopes=["runs:read"], created_by=None, now=NOW)

    with pytest.raises(services.KeyNotFound, match="More than one"):
        services.revoke_by_prefix(prefix="rs_", now=NOW)
    revoked = services.revoke_by_prefix(prefix=text[:12], now=NOW)
    with pytest.raises(services.KeyNotFound, match="No working key"):
        services.revoke_by_prefix(prefix=text[:12], now=NOW)

    assert revoked == key
    assert list(ApiKey.objects.filter(revoked_at=NOW)) == [key]


def test_revoking_twice_changes_nothing():
    key, _ = services.make_key(name="a", scopes=["runs:read"], created_by=None, now=NOW)

    assert services.revoke(key=key, now=NOW) is True
    assert services.revoke(key=key, now=NOW.replace(year=2027)) is False
    key.refresh_from_db()
    assert key.revoked_at == NOW
