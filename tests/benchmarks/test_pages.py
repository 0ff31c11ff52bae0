from __future__ import annotations

import pytest

from benchmarks import pages, pages_population
from interests.models import Drifter, DriftEvent, EndUser, PopulationFlow, PopulationShare


def test_the_table_has_median_and_slowest(capsys):
    pages._print("population", {"drift": [100.0, 300.0, 200.0], "cpu drift": [80.0, 90.0, 70.0]})

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "population (to reach: 1,000 ms)"
    assert lines[2].split() == ["drift", "200", "300", "80"]


@pytest.mark.django_db
def test_a_small_population_fills_every_page(monkeypatch):
    numbers = {
        "NUM_END_USERS": 50, "NUM_WEEKS": 12, "NUM_CATEGORIES": 3, "NUM_DRIFTERS": 40,
        "NUM_DRIFT_EVENTS": 10, "NUM_MARKS": 5, "SEGMENTS": {"first seen": 2},
    }  # fmt: skip
    for name, value in numbers.items():
        monkeypatch.setattr(pages_population, name, value)

    pages_population.fill()
    found = pages.timed(pages_population.addresses(), num_requests=1)

    counts = [model.objects.count() for model in (EndUser, DriftEvent, Drifter)]
    assert counts == [50, 10, 40]
    assert (PopulationShare.objects.count(), PopulationFlow.objects.count()) == (36, 99)
    assert [len(milliseconds) for milliseconds in found.values()] == [1] * 12
