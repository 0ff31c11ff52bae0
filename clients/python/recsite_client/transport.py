"""How requests get to a site: the key, the address, second tries, and problems as exceptions."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import Any
from urllib.parse import quote, urlencode

LONGEST_WAIT_SECONDS = 10.0


class Problem(Exception):
    """The site refused; `code` is stable, `detail` is for people (RFC 9457).

    Attributes:
        status: of HTTP, or 0 where no answer came
        request_id: to quote when you report it
    """

    def __init__(self, status: int, code: str, detail: str, request_id: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status, self.code, self.detail, self.request_id = status, code, detail, request_id


class _Connection(http.client.HTTPConnection):
    """Reads the answer also of a site that hangs up before it has read the body, such as one too large."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request, or as much of it as the site takes."""
        self.connect()  # before the try: who was never connected has no answer to read
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            super().request(*args, **kwargs)


class _SecureConnection(_Connection, http.client.HTTPSConnection):
    """The same by https."""


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, req)


class Transport:
    """Sends requests to one site.

    Args:
        site: its address, such as https://recsite.example
        key: an API key with the scopes of what is called
        timeout: seconds that an answer may take
        tries: how often it is tried where the site is away or asks to wait. Everything may be sent twice: events
            carry their ids, all else says how things are to be.
    """

    def __init__(self, site: str, key: str, *, timeout: float = 10.0, tries: int = 3) -> None:
        self.site, self.key, self.timeout, self.tries = site.rstrip("/"), key, timeout, tries
        self._opener = urllib.request.build_opener(_Http, _Https)

    def request(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        """Return the answer as plain values, None where it is empty.

        Raises:
            Problem: the site refused, or did not answer however often it was asked.
        """
        given = {name: _said(value) for name, value in (query or {}).items() if value is not None}
        address = f"{self.site}{path}" + (f"?{urlencode(given, doseq=True)}" if given else "")
        for tries_left in reversed(range(self.tries)):
            try:
                return self._once(method, address, body)
            except urllib.error.HTTPError as error:
                problem, wait = _problem(error), _seconds(error.headers)
                if error.code not in (429, 503) or not tries_left or wait > LONGEST_WAIT_SECONDS:
                    raise problem from None
            except (OSError, http.client.HTTPException) as error:
                wait = 0.5
                if not tries_left:
                    raise Problem(0, "no_answer", f"{self.site}: {error}", "") from error
            time.sleep(wait)
        raise ValueError("tries must be 1 or more")

    def _once(self, method: str, address: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        asked = urllib.request.Request(address, data=data, headers=headers, method=method)
        with self._opener.open(asked, timeout=self.timeout) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def path(template: str, **values: str) -> str:
    """Return a path with ids in it, which may hold anything, slashes included."""
    return template.format(**{name: quote(value, safe="") for name, value in values.items()})


def _said(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _problem(error: urllib.error.HTTPError) -> Problem:
    with error:
        try:
            body = json.loads(error.read())
            return Problem(error.code, body["code"], body["detail"], body["request_id"])
        except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
            # Not from the site but a proxy's own page, or broken off.
            return Problem(error.code, "no_problem", str(error.reason), "")


def _seconds(headers: Message) -> float:
    given = headers.get("Retry-After", "")
    return float(given) if given.isdigit() else 1.0
