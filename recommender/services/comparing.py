"""How a publication differs from what served before it, kept with its results when it is made."""

from __future__ import annotations

from typing import Any

from recommender.models import PublicationRun, Serving
from recommender.selectors import publications


def with_serving(run: PublicationRun) -> dict[str, Any]:
    """Return the difference to what serves as a part of results, {} where nothing else serves."""
    serving = Serving.objects.select_related("publication").exclude(publication=run).first()
    if serving is None:
        return {}
    found = publications.difference(serving.publication, run)
    return {"difference": publications.to_results(found)}
