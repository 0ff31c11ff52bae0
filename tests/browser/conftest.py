"""A Chromium for the walks: at $CHROMIUM or where Debian has it. Without one they are skipped, but never in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page

PLACES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


def chromium() -> str | None:
    """Return where a Chromium is, None where there is none."""
    given = os.environ.get("CHROMIUM")
    if given:
        return given if Path(given).exists() else None
    found = [place for place in PLACES if Path(place).exists()]
    return found[0] if found else shutil.which("chromium")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    own = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in own:
        item.add_marker(pytest.mark.browser)
    if not own or chromium():
        return
    if os.environ.get("CI"):
        raise pytest.UsageError("Browser tests need a Chromium: install one or set CHROMIUM.")
    said = "BROWSER TESTS SKIPPED: no Chromium found. Install one (apt install chromium) or set CHROMIUM."
    print(f"\n{said}\n")
    for item in own:
        item.add_marker(pytest.mark.skip(reason=said))


@pytest.fixture(scope="session")
def base_url() -> None:
    """Stand in for pytest-playwright's own, which pytest warns about; tests say where the site is."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    # As root, as in containers, Chromium does not start with its sandbox.
    return {
        **browser_type_launch_args,
        "executable_path": chromium(),
        "args": ["--no-sandbox", "--disable-dev-shm-usage"],
    }


@dataclass
class Complaints:
    """What the browser complained about: errors of scripts, the policy, files that are not there."""

    heard: list[str] = field(default_factory=list)

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.heard.append(f"{message.type}: {message.text}")

    def on_error(self, error: Any) -> None:
        self.heard.append(f"uncaught: {error}")


@pytest.fixture
def complaints(page: Page) -> Iterator[Complaints]:
    """Listen to the page; a test that ends with complaints has failed."""
    found = Complaints()
    page.on("console", found.on_console)
    page.on("pageerror", found.on_error)
    yield found
    assert found.heard == []
