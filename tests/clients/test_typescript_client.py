"""TypeScript with the npm registry's generator, from the schema that a running site serves."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from interests.models import EventKind, Interaction
from tests import factories
from tests.clients.node import needs_npm

FOLDER = Path(__file__).parents[2] / "clients/typescript"

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, needs_npm]


def test_generated_client_compiles_and_makes_its_calls(
    live_server: LiveServer, node_folder: Path, tmp_path: Path
) -> None:
    for name in ("example.ts", "tsconfig.json"):
        shutil.copy(FOLDER / name, tmp_path)
    shutil.copy(FOLDER.parent / "package.json", tmp_path)
    (tmp_path / "node_modules").symlink_to(node_folder / "node_modules")
    EventKind.objects.get_or_create(name="view")
    factories.popular([factories.item(f"i{n}") for n in range(3)])
    environment = os.environ | {"SITE": live_server.url, "KEY": factories.api_key()}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("npx", "openapi-typescript", f"{live_server.url}/api/schema", "--output", "schema.d.ts")
    run("npx", "tsc")
    said = json.loads(run("node", "example.js"))

    assert said == {
        "title": "The Lighthouse",
        "accepted": 1,
        "duplicates": 1,
        "user_id": "a/da 🦉",
        "rank": 1,
        "code": "invalid_parameter",
    }
    event = Interaction.objects.select_related("end_user", "item").get()
    assert (event.end_user.user_id, event.item.title) == ("a/da 🦉", "The Lighthouse")
