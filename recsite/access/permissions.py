"""What a caller may do: each endpoint names the scope it asks for."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from recsite.access.authentication import Caller, NoKey
from recsite.access.models import Scope


class ScopeMissing(exceptions.PermissionDenied):
    """The key works but not for this."""

    default_code = "scope_missing"


def check(caller: Caller, scope: Scope) -> None:
    """Raise `ScopeMissing` unless the caller has the scope."""
    if scope not in caller.scopes:
        raise ScopeMissing(f'This needs a key with the scope "{scope.value}".')


class HasScope(BasePermission):
    """DRF's door to `check`; an endpoint without `scopes` is closed to everybody."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True, or raise what is in the way."""
        if not isinstance(request.auth, Caller):
            raise NoKey
        method = "GET" if request.method == "HEAD" else request.method or ""
        scope = getattr(view, "scopes", {}).get(method)
        if scope is None:  # a method that is not there is refused as such afterwards
            return method == "OPTIONS" or not hasattr(view, method.lower())
        check(request.auth, scope)
        return True
