"""The event script: small, built from its source, and free for pages of other sites to load."""

import contextlib
import gzip
import shutil
import subprocess
from pathlib import Path

from django.http import HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware

from tests.clients.node import needs_npm

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "static/js/recsite-events.js"
LIMIT = 1_024


def test_script_is_a_kilobyte_at_most_as_it_is_sent():
    assert len(gzip.compress(BUILT.read_bytes())) <= LIMIT


@needs_npm
def test_script_is_what_its_source_builds(node_folder: Path, tmp_path: Path):
    shutil.copytree(ROOT / "clients/browser", tmp_path / "clients/browser")
    shutil.copy(ROOT / "clients/package.json", tmp_path / "clients")
    (tmp_path / "clients/node_modules").symlink_to(node_folder / "node_modules")
    (tmp_path / "static/js").mkdir(parents=True)

    subprocess.run(
        ["npm", "run", "build"], cwd=tmp_path / "clients", check=True, capture_output=True
    )

    assert (tmp_path / "static/js/recsite-events.js").read_text() == BUILT.read_text()


def test_script_may_be_loaded_from_anywhere_and_kept_for_an_hour(settings, rf):
    settings.WHITENOISE_USE_FINDERS = True
    serve = WhiteNoiseMiddleware(lambda request: HttpResponse(status=404))

    with contextlib.closing(serve(rf.get("/static/js/shell.js"))) as other:
        assert (other.status_code, "Cross-Origin-Resource-Policy" in other) == (200, False)
    with contextlib.closing(serve(rf.get("/static/js/recsite-events.js"))) as script:
        text = b"".join(script.streaming_content)

    assert text == BUILT.read_bytes()
    assert script["Access-Control-Allow-Origin"] == "*"
    assert script["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert script["Cache-Control"] == "public, max-age=3600"
