"""Keys: made, shown once, checked by their hash, revoked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User

from recsite.access.models import ApiKey, Scope
from recsite.access.origins import origins_of

KEY_START = "rs_"
SECRET_BYTES = 30  # 40 url-safe characters, 240 bits: too many to guess, so a plain hash is enough
PREFIX_LENGTH = 12


class UnknownScope(Exception):
    """A scope that does not exist; the message lists those that do."""


class KeyNotFound(Exception):
    """No working key begins like this."""


def make_key(
    *,
    name: str,
    scopes: Sequence[str],
    created_by: User | None,
    now: datetime,
    origins: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """Make a key; the text returned beside it is kept nowhere and cannot be shown again.

    Args:
        origins: of a key for browsers, the sites whose pages may use it.

    Raises:
        UnknownScope: a scope is none of `Scope`, or there is none.
        BadOrigin: an origin is none, or a key with origins may do more than post events.
    """
    check_scopes(scopes)
    found = origins_of(origins, scopes)
    text = KEY_START + secrets.token_urlsafe(SECRET_BYTES)
    key = ApiKey.objects.create(
        name=name,
        prefix=text[:PREFIX_LENGTH],
        digest=digest_of(text),
        scopes=sorted(set(scopes)),
        origins=found,
        created_by=created_by,
        created_at=now,
    )
    return key, text


def check_scopes(scopes: Sequence[str]) -> None:
    """Raise `UnknownScope` unless there is at least one scope and all of them exist."""
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        what = f"No such scope: {', '.join(unknown)}." if unknown else "A key needs a scope."
        raise UnknownScope(f"{what} Scopes are: {', '.join(Scope.values)}; or all.")


def revoke(*, key: ApiKey, now: datetime) -> bool:
    """Make a key useless; tell whether it still worked before."""
    return bool(ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now))


def revoke_by_prefix(*, prefix: str, now: datetime) -> ApiKey:
    """Revoke the one working key that begins with `prefix`.

    Raises:
        KeyNotFound: there is none, or more than one.
    """
    found = list(ApiKey.objects.filter(prefix__startswith=prefix, revoked_at=None)[:2])
    if len(found) != 1:
        how_many = "More than one" if found else "No"
        raise KeyNotFound(f'{how_many} working key begins with "{prefix}".')
    revoke(key=found[0], now=now)
    return found[0]


def digest_of(text: str) -> bytes:
    """Return the SHA-256 under which a key is kept."""
    return hashlib.sha256(text.encode()).digest()
