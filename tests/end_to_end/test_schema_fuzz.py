"""Fault 14: requests made up from the schema, with keys of every scope and none, get no 5xx and no answer outside it.

`FUZZ_CASES=10000 make test T=tests/end_to_end/test_schema_fuzz.py` tries as many as a release should see.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from interests.models import Alias, EventKind
from recsite.access.models import Scope
from recsite.wsgi import application
from tests import factories
from tests.factories import NOW

NUM_CASES = int(os.environ.get("FUZZ_CASES", "600"))
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
# Ids that lead somewhere; made-up ones seldom do.
KNOWN = {"user_id": ["ada", "guest", "nobody"], "item_id": ["i0", "i1", "nothing"]}
SETTINGS: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def fill() -> None:
    """Make somebody with events, a slate, a guest's old id, and a catalogue."""
    EventKind.objects.get_or_create(name="view")
    person = factories.end_user("ada")
    Alias.objects.create(user_id="guest", end_user=person, created_at=NOW)
    items = [
        factories.item(f"i{n}", categories=(factories.category(f"c{n}"),), attributes={"n": n})
        for n in range(5)
    ]
    for thing in items:
        factories.event(person, thing)
    factories.slate(factories.publication(), person, items)
    factories.popular(items)


def keys() -> list[str | None]:
    """Return a key of each scope, as many with all of them, one that does not work, and none."""
    everything = factories.api_key(rate_per_minute=0)
    single = [factories.api_key(scope, rate_per_minute=0) for scope in Scope.values]
    return [None, "rs_no-such-key", *single, *[everything] * (len(single) + 2)]


def test_whatever_is_asked_the_answer_is_in_the_schema() -> None:
    fill()
    schema = schemathesis.openapi.from_wsgi("/api/schema", application)
    operations = [found.ok() for found in schema.get_all_operations()]
    choice = st.sampled_from(keys())
    each = max(2, -(-NUM_CASES // (2 * len(operations))))
    num_asked = 0

    def ask(operation: APIOperation, mode: GenerationMode, turn: int) -> None:
        @seed(turn)
        @settings(max_examples=each, **SETTINGS)
        @given(case=operation.as_strategy(generation_mode=mode), key=choice, data=st.data())
        def try_out(case: Case, key: str | None, data: st.DataObject) -> None:
            nonlocal num_asked
            for name in case.path_parameters or {}:
                if data.draw(st.booleans()):
                    case.path_parameters[name] = data.draw(st.sampled_from(KNOWN[name]))
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            num_asked += 1
            case.validate_response(case.call(headers=headers), checks=CHECKS)

        try_out()

    assert len(operations) > 10
    # Of some operations there is not so much to make up: the others are asked more.
    for turn in itertools.takewhile(lambda _: num_asked < NUM_CASES, itertools.count()):
        for operation in operations:
            for mode in GenerationMode:
                ask(operation, mode, turn)
