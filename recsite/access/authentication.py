"""Who calls: a program with a key, `Authorization: Bearer KEY`."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from recsite.access import origins
from recsite.access.models import ApiKey
from recsite.access.services import PREFIX_LENGTH, digest_of

# A key is looked up again after this, so a revoked one works for two more seconds at most.
REMEMBER_SECONDS = 2.0
REMEMBERED_AT_MOST = 1_000
LAST_USED_PRECISION = timedelta(minutes=1)
CHALLENGE = 'Bearer realm="Recsite API"'


@dataclass(frozen=True, slots=True)
class Caller:
    """What a request needs to know of its key."""

    key_id: int
    name: str
    scopes: frozenset[str]
    rate_per_minute: int
    origins: frozenset[str] = frozenset()  # of whose pages, where it is a key for browsers
    is_authenticated: bool = True  # what DRF asks of a user


class InvalidKey(exceptions.AuthenticationFailed):
    """The key is not one of ours, or was revoked."""

    default_detail = "This API key is not known or was revoked."
    default_code = "invalid_key"


class KeyInAddress(exceptions.AuthenticationFailed):
    """The key stands in an address, from where it gets into logs, though it is no key for browsers."""

    default_detail = (
        "Only a key for web pages may stand in an address. Make a new key in place of this one, which logs "
        'may hold now, and send it in the header "Authorization: Bearer KEY".'
    )
    default_code = "key_in_address"


class NoKey(exceptions.NotAuthenticated):
    """There is no key in the request."""

    default_detail = 'Send your API key in the header "Authorization: Bearer KEY".'
    default_code = "key_missing"


# digest -> (caller, monotonic time until which this holds); one per process.
_remembered: dict[bytes, tuple[Caller, float]] = {}


class BearerAuthentication(BaseAuthentication):
    """DRF's door to `caller_of`."""

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        """Return the caller twice, as DRF's user and auth, or None without an Authorization header."""
        if "HTTP_AUTHORIZATION" not in request.META:
            return None
        caller = caller_of(request._request)
        return caller, caller

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge that makes DRF answer 401, not 403."""
        return CHALLENGE


def caller_of(request: HttpRequest) -> Caller:
    """Return who sent a request.

    Raises:
        NoKey: it has no Authorization header.
        InvalidKey: its key does not work.
        OriginNotAllowed: it is a key for the pages of other sites.
        KeyInAddress: the key is in the address, where only keys for browsers may stand.
    """
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is None:
        # A page that closes sends its last events by a beacon, which cannot have headers.
        text = request.GET.get("key", "") if request.method == "POST" else ""
        if not text:
            raise NoKey
        caller = _caller_with(text)
        if not caller.origins:
            raise KeyInAddress
    else:
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer":
            raise InvalidKey('The Authorization header must read "Bearer KEY".')
        caller = _caller_with(text.strip())
    if caller.origins:
        origins.check(caller.origins, request)
    return caller


def _caller_with(text: str) -> Caller:
    if not text.isascii() or "\0" in text:
        raise InvalidKey
    digest = digest_of(text)
    known = _remembered.get(digest)
    if known is not None and known[1] > time.monotonic():
        return known[0]
    return _look_up(text, digest)


def forget_remembered() -> None:
    """Look every key up again at its next request."""
    _remembered.clear()


def _look_up(text: str, digest: bytes) -> Caller:
    key = ApiKey.objects.filter(prefix=text[:PREFIX_LENGTH], revoked_at=None).first()
    if key is None or not hmac.compare_digest(bytes(key.digest), digest):
        _remembered.pop(digest, None)
        raise InvalidKey
    _note_use(key)
    caller = Caller(
        key.pk, key.name, frozenset(key.scopes), key.rate_per_minute, frozenset(key.origins)
    )
    if len(_remembered) >= REMEMBERED_AT_MOST:
        forget_remembered()
    _remembered[digest] = (caller, time.monotonic() + REMEMBER_SECONDS)
    return caller


def _note_use(key: ApiKey) -> None:
    """Write when the key was last used, once a minute at most however many processes see it."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - LAST_USED_PRECISION:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_PRECISION)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
