"""Take pictures of every page of a running site, wide and narrow, light and dark.

    python benchmarks/screenshots.py --site http://localhost:8000 --account ada --password "..."

Pictures lie in screenshots/ as page-width-theme.png; what the console complained about is printed at the end.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Browser, Page, sync_playwright

SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
THEMES = ("light", "dark")
PAGES = {
    "overview": "/",
    "end-users": "/end-users",
    "drifting": "/end-users?segment=drifting&sort=-drift",
    "drift": "/drift",
    "drift-share": "/drift?show=share&kind=activity",
    "map": "/map",
    "runs": "/runs",
    "evaluation": "/evaluation?split=leave-one-out",
    "evaluation-time": "/evaluation?split=time",
    "evaluation-families": "/evaluation?sort=family",
    "evaluation-lists": "/evaluation/lists",
    "alerts": "/alerts",
    "alert-rules": "/alerts/rules",
    "alert-rule-new": "/alerts/rules/new",
    "catalogue": "/catalogue",
    "placements": "/placements",
    "placement": "/placements/default",
    "placement-edit": "/placements/default/edit",
    "search": "/search?q=a",
    "search-empty": "/search",
    "compare-empty": "/end-users/compare",
    "nothing-here": "/nothing-here",
}
# Pages reached by the first link of its kind on another page.
FOLLOWED = {
    "end-user": ("/end-users?sort=-drift", 'tbody a[href^="/end-users/"]'),
    "alert-rule": ("/alerts/rules", 'tbody th a[href^="/alerts/rules/"]'),
    "changes": ("/drift", 'a[href*="/drift/"][href^="/end-users/"]'),
    "item": ("/catalogue", 'tbody a[href^="/catalogue/"]'),
    "training": ("/runs?kind=training&state=done", 'tbody a[href^="/runs/training/"]'),
    "publication": ("/runs?kind=publication&state=done", 'tbody a[href^="/runs/publication/"]'),
    "import": ("/runs?kind=import", 'tbody a[href^="/runs/import/"]'),
}


def main() -> int:
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    complaints: list[str] = []
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width in SIZES:
            for theme in THEMES:
                _take(browser, options, width, theme, complaints)
        browser.close()
    print(f"{len(list(options.folder.glob('*.png')))} pictures in {options.folder}")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


def _take(
    browser: Browser, options: argparse.Namespace, width: str, theme: str, complaints: list[str]
) -> None:
    """Walk through all pages in one size and one theme."""
    across, down = SIZES[width]
    page = browser.new_page(
        viewport={"width": across, "height": down},
        color_scheme=theme,  # type: ignore[arg-type]  # the two themes are values of it
        device_scale_factor=1 if width == "wide" else 2,
    )
    page.on("console", lambda message: _listen(message.type, message.text, page, complaints))
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.goto(urljoin(options.site, "/accounts/login/"))
    _picture(page, options, f"login-{width}-{theme}")
    page.fill("#id_username", options.account)
    page.fill("#id_password", options.password)
    page.click("main button")
    for name, address in _addresses(page, options):
        page.goto(urljoin(options.site, address))
        _picture(page, options, f"{name}-{width}-{theme}")
    page.close()


def _addresses(page: Page, options: argparse.Namespace) -> list[tuple[str, str]]:
    found = list(PAGES.items())
    for name, (address, link) in FOLLOWED.items():
        page.goto(urljoin(options.site, address))
        if page.locator(link).count():
            found.append((name, page.locator(link).first.get_attribute("href") or address))
    person = dict(found).get("end-user")
    if person is not None:
        found += [("end-user-map", f"{person}/map"), ("what-if", f"{person}/what-if")]
    return [pair for pair in found if not options.only or pair[0] in options.only]


def _picture(page: Page, options: argparse.Namespace, name: str) -> None:
    for plot in page.locator("[data-figure-plot]").all():
        plot.locator(".main-svg").first.wait_for(timeout=20_000)
    page.screenshot(path=options.folder / f"{name}.png", full_page=options.full)


def _listen(kind: str, text: str, page: Page, complaints: list[str]) -> None:
    # A page that is not there is asked for on purpose.
    if kind == "error" and "404" not in text:
        complaints.append(f"{page.url}: {text}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--site", default="http://localhost:8000", help="address of the running site"
    )
    parser.add_argument("--account", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--folder", type=Path, default=Path("screenshots"))
    parser.add_argument(
        "--full", action="store_true", help="whole pages, not only what fits the screen"
    )
    parser.add_argument("--only", nargs="*", help="names of pages, all of them if left out")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
