"""What each web process counts as it goes: requests with how long they took, and events.

The processes of one web server add up through files in `PROMETHEUS_MULTIPROC_DIR`, which `recsite.web_server`
sets; where that is not set a process counts for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, multiprocess, values

Handler = Callable[[HttpRequest], HttpResponse]
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
# From what one indexed read takes to what nobody waits for.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

REQUESTS = Histogram(
    "recsite_request_seconds",
    "Requests answered, by how long that took.",
    ("endpoint", "method", "status"),
    buckets=BUCKETS,
    registry=None,
)
EVENTS = Counter(
    "recsite_events", "Events sent to the API, by what became of them.", ("result",), registry=None
)

_GROUP, _CONVERTER = re.compile(r"\(\?P<(\w+)>[^)]*\)"), re.compile(r"<(?:\w+:)?(\w+)>")

# `labels` takes a lock and four times as long as this.
_children: dict[tuple[str, str, int], Histogram] = {}


class MetricsMiddleware:
    """Counts every request and how long its answer took, by the pattern of its address."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        began = perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        key = (match.route if match else "", request.method or "", response.status_code)
        child = _children.get(key) or _child(key)
        child.observe(perf_counter() - began)
        return response


def count_events(*, accepted: int, duplicates: int, rejected: int) -> None:
    """Count what became of the events of one request."""
    for result, num in (("accepted", accepted), ("duplicate", duplicates), ("rejected", rejected)):
        if num:
            EVENTS.labels(result).inc(num)


def own_registry() -> CollectorRegistry:
    """Return a registry of what web processes have counted, all of them together where they share files."""
    registry = CollectorRegistry()
    if values.ValueClass is not values.MutexValue:  # the files hold what this process counted, too
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REQUESTS)
        registry.register(EVENTS)
    return registry


def _child(key: tuple[str, str, int]) -> Histogram:
    route, method, status = key
    label = method if method in METHODS else "other"  # clients may send any word
    child = REQUESTS.labels(_readable(route), label, str(status))
    if label == method:
        _children[key] = child
    return child


def _readable(route: str) -> str:
    """Return a pattern as the API's schema writes it: /api/v1/users/{user_id}."""
    if not route:
        return "none"
    named = _GROUP.sub(r"{\1}", route)
    return "/" + _CONVERTER.sub(r"{\1}", named).removeprefix("^").removesuffix(r"\Z").removesuffix(
        "$"
    )
