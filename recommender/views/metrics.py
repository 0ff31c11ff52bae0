"""What Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from recommender.selectors import site_metrics
from recommender.selectors.site_metrics import SiteMetrics
from recommender.services import lag
from recsite.access import metrics
from recsite.access.endpoints import FastEndpoint
from recsite.access.models import Scope


class Metrics(FastEndpoint):
    """Counters and gauges as text, for a key with the scope `metrics:read`."""

    scopes = {"GET": Scope.READ_METRICS}
    schema = None  # Prometheus knows its format

    def answer(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """Return what web processes counted and how the site stands."""
        registry = metrics.own_registry()
        registry.register(SiteCollector(site_metrics.site_metrics(now=timezone.now())))
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class SiteCollector(Collector):
    """How the site stands, as Prometheus names it."""

    def __init__(self, found: SiteMetrics) -> None:
        self.found = found

    def describe(self) -> list[Metric]:
        """Return nothing: names are known once they are collected."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield each number."""
        found = self.found
        yield _gauge("waiting_people", "People whose events their slate has not seen.", found.num_waiting)  # fmt: skip
        yield _gauge("set_aside_people", "People on whom work failed again and again.", found.num_set_aside)  # fmt: skip
        yield _gauge("lag_seconds", "How long the first of the waiting people waits.", found.lag_seconds)  # fmt: skip
        if found.serving_seconds is not None:
            yield _gauge("serving_age_seconds", "Since when the publication that serves does.", found.serving_seconds)  # fmt: skip
        if found.trained_seconds is not None:
            yield _gauge("network_age_seconds", "Since when the network that serves is trained.", found.trained_seconds)  # fmt: skip
        yield _gauge("redis_up", "Whether Redis answers.", found.queue_lengths is not None)
        yield _gauges("queue_length", "Messages that wait.", ["queue"], {(name,): num for name, num in (found.queue_lengths or {}).items()})  # fmt: skip
        yield _gauges("worker_seconds", "Since when a queue's worker, or beat, was last alive.", ["queue"], {(name,): seconds for name, seconds in found.worker_seconds.items() if seconds is not None})  # fmt: skip
        yield _gauges("runs", "Runs by kind and state.", ["kind", "state"], found.runs)
        yield _gauges("outcome_rate", "Outcomes of the last day; seconds for dwell, else shares and ratings.", ["placement", "metric"], found.rates)  # fmt: skip
        yield _counter("refreshed_people", "People whose state and slate were renewed live.", lag.refreshed_in_all())  # fmt: skip
        refused = CounterMetricFamily("recsite_outcomes_refused", "Outcomes that were not counted.", labels=["reason"])  # fmt: skip
        for reason, num in found.refused.items():
            refused.add_metric([reason], num)
        yield refused


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"recsite_{name}", about, value=float(value))


def _counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(f"recsite_{name}", about, value=float(value))


def _gauges(name: str, about: str, labels: list[str], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(f"recsite_{name}", about, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), float(value))
    return family
