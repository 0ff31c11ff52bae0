"""The event script on a page of another site: every event arrives once, whatever happens to the page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from interests.models import EventKind, Impression, Interaction
from recsite.access import authentication, origins, services
from tests.browser.conftest import Complaints

PATIENCE_SECONDS = 15.0
# The script sends a second after an event; what has not come then does not come.
QUIET_SECONDS = 2.5
PAGE = """<!doctype html><title>Shop</title>
<script src="{site}/static/js/recsite-events.js"></script>
<script>recsite.init({{site: "{site}", key: "{key}", user: {user}}})</script>"""

pytestmark = pytest.mark.django_db(transaction=True)


class Shop:
    """A site of somebody else, on another port: each address is one page with the script."""

    def __init__(self, live_server: LiveServer) -> None:
        self.body = b""
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"" if self.path == "/favicon.ico" else shop.body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.site = live_server.url
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.has_key_for(self.url)

    def has_key_for(self, origin: str, user: str = '"ada"') -> None:
        """Give its pages a key for browsers of an origin."""
        _, key = services.make_key(
            name="shop", scopes=["events:write"], origins=[origin], created_by=None,
            now=timezone.now(),
        )  # fmt: skip
        self.body = PAGE.format(site=self.site, key=key, user=user).encode()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def shop(live_server: LiveServer) -> Iterator[Shop]:
    authentication.forget_remembered()
    origins.forget_remembered()
    for name in ("view", "click"):
        EventKind.objects.get_or_create(name=name)
    found = Shop(live_server)
    yield found
    found.close()


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, list(Interaction.objects.values())
        time.sleep(0.05)


def items() -> list[str]:
    return sorted(Interaction.objects.values_list("item__item_id", flat=True))


def track(page: Page, item: str, kind: str = "view") -> None:
    page.evaluate("([kind, item]) => recsite.track(kind, item, {value: 3})", [kind, item])


def track_long(page: Page, items: list[str], length: int) -> None:
    """Track items with a word beside each that has twice as many bytes as letters."""
    page.evaluate(
        "([items, length]) => items.forEach(i => recsite.track('view', i, {word: 'é'.repeat(length)}))",
        [items, length],
    )


def kept(page: Page) -> list[str]:
    """Return what the script keeps in the browser, without ids."""
    names: list[str] = page.evaluate("Object.keys(localStorage).map(name => name.split(':')[0])")
    return sorted(names)


def fill_storage(page: Page) -> None:
    """Leave no room for a single character in the storage of the page's own site."""
    page.evaluate("""() => {
        for (let size = 2 ** 22; size >= 1; size /= 2) {
            try { for (;;) localStorage.shop = (localStorage.shop || "") + "x".repeat(size); } catch {}
        }
    }""")


def posts(page: Page) -> list[str]:
    """Return, from now on, the method of each request to the API."""
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.method) if "/api/" in asked.url else None)
    return sent


def test_events_of_another_site_arrive_once_and_together(
    page: Page, shop: Shop, complaints: Complaints
) -> None:
    sent = posts(page)
    page.goto(shop.url)
    for item in ("book", "lamp"):
        track(page, item)
    track(page, "chair", "impression")

    until(lambda: Interaction.objects.count() == 2 and Impression.objects.count() == 1)

    event = Interaction.objects.select_related("end_user", "item", "kind").order_by("item")[0]
    assert (event.end_user.user_id, event.item.item_id, event.kind.name, event.value) == (
        "ada", "book", "view", 3.0,
    )  # fmt: skip
    assert Impression.objects.get().item.item_id == "chair"
    page.wait_for_function("Object.keys(localStorage).length == 0")
    assert sent == ["POST"]  # one batch, and no preflight before it


def test_events_wait_while_the_browser_is_offline_and_arrive_after(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    page.context.set_offline(True)
    track(page, "book")
    time.sleep(QUIET_SECONDS)
    assert (items(), kept(page)) == ([], ["recsite"])

    page.context.set_offline(False)

    until(lambda: items() == ["book"])


def test_events_of_a_page_closed_offline_are_sent_by_the_next_one(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    page.context.set_offline(True)
    track(page, "book")
    page.goto("about:blank")
    page.context.set_offline(False)

    page.goto(shop.url)

    until(lambda: items() == ["book"])


def test_last_events_of_a_page_that_closes_arrive_and_count_once(
    page: Page, shop: Shop, complaints: Complaints
) -> None:
    page.goto(shop.url)
    track(page, "book")
    page.goto("about:blank")
    until(lambda: items() == ["book"])

    page.goto(shop.url)  # cannot know that the beacon arrived, and sends it again

    page.wait_for_function("Object.keys(localStorage).length == 0")
    assert items() == ["book"]


@pytest.mark.parametrize("signal", ["doNotTrack", "globalPrivacyControl"])
def test_who_does_not_want_to_be_followed_is_not(page: Page, shop: Shop, signal: str) -> None:
    page.add_init_script(f"Object.defineProperty(navigator, '{signal}', {{value: '1'}})")
    sent = posts(page)
    page.goto(shop.url)
    track(page, "book")
    page.goto(shop.url)
    time.sleep(QUIET_SECONDS)

    assert (sent, items(), kept(page)) == ([], [], [])


def test_opting_out_forgets_what_waits_and_holds_until_it_is_taken_back(
    page: Page, shop: Shop
) -> None:
    shop.has_key_for(shop.url, user="null")  # a guest, whose id goes too
    page.goto(shop.url)
    track(page, "book")
    page.evaluate("recsite.optOut()")
    track(page, "lamp")
    page.goto(shop.url)
    track(page, "lamp")
    time.sleep(QUIET_SECONDS)
    assert (items(), kept(page)) == ([], ["recsite-off"])

    page.evaluate("recsite.optOut(false)")
    track(page, "chair")

    until(lambda: items() == ["chair"])


def test_opting_out_holds_where_the_storage_is_full_later(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    page.evaluate("recsite.optOut()")
    fill_storage(page)
    sent = posts(page)
    page.goto(shop.url)
    track(page, "book")
    time.sleep(QUIET_SECONDS)

    assert (sent, items(), kept(page)) == ([], [], ["recsite-off", "shop"])


def test_opting_out_makes_room_for_itself_where_the_storage_is_full(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    page.context.set_offline(True)
    track(page, "book")
    fill_storage(page)
    track(page, "lamp")  # for which there is no room any more
    page.evaluate("recsite.optOut()")
    page.context.set_offline(False)
    sent = posts(page)
    page.goto(shop.url)
    track(page, "chair")
    time.sleep(QUIET_SECONDS)

    assert (sent, items(), kept(page)) == ([], [], ["recsite-off", "shop"])


def test_events_of_a_guest_arrive_once_where_the_storage_is_full(
    page: Page, shop: Shop, complaints: Complaints
) -> None:
    shop.has_key_for(shop.url, user="null")
    sent = posts(page)
    page.goto(shop.url)
    fill_storage(page)
    for item in ("book", "lamp"):
        track(page, item)

    until(lambda: items() == ["book", "lamp"])

    time.sleep(QUIET_SECONDS)
    assert (sent, kept(page)) == (["POST"], ["shop"])
    assert Interaction.objects.values("end_user").distinct().count() == 1


def test_events_too_long_for_one_request_of_a_closing_page_are_sent_in_several(
    page: Page, shop: Shop, complaints: Complaints
) -> None:
    names = [f"book-{number:02}" for number in range(40)]
    sent = posts(page)
    page.goto(shop.url)
    track_long(page, names, 1_000)  # 40,000 letters and more than 80,000 bytes

    until(lambda: items() == names)

    page.wait_for_function("Object.keys(localStorage).length == 0")
    assert sent == ["POST", "POST"]


def test_an_event_too_long_for_a_closing_page_is_sent_and_holds_up_no_other(
    page: Page, shop: Shop, complaints: Complaints
) -> None:
    page.goto(shop.url)
    track_long(page, ["book"], 40_000)
    for item in ("chair", "lamp"):
        track(page, item)

    until(lambda: items() == ["book", "chair", "lamp"])

    page.wait_for_function("Object.keys(localStorage).length == 0")


def test_an_event_longer_than_the_site_reads_is_dropped_and_holds_up_no_other(
    page: Page, shop: Shop
) -> None:
    page.goto(shop.url)
    track_long(page, ["book"], 3_000_000)
    track(page, "lamp")

    until(lambda: items() == ["lamp"])

    page.wait_for_function("Object.keys(localStorage).length == 0")


def test_a_page_that_closes_sends_as_many_of_its_last_events_as_it_may(
    page: Page, shop: Shop
) -> None:
    names = [f"book-{number:02}" for number in range(40)]
    page.goto(shop.url)
    track_long(page, names, 1_000)
    page.goto("about:blank")

    # Each is 2,000 bytes of its word and fewer than 300 around it.
    until(lambda: 60_000 // 2_300 <= len(items()) <= 60_000 // 2_000)


def test_a_guest_stays_the_same_from_page_to_page(page: Page, shop: Shop) -> None:
    shop.has_key_for(shop.url, user="null")
    for number, item in enumerate(("book", "lamp"), start=1):
        page.goto(f"{shop.url}/{item}")
        track(page, item)
        until(lambda number=number: Interaction.objects.count() == number)  # type: ignore[misc]

    assert Interaction.objects.values("end_user").distinct().count() == 1


def test_clock_of_the_browser_is_corrected(page: Page, shop: Shop) -> None:
    wrong = timezone.now() - timedelta(hours=3)
    page.clock.set_fixed_time(wrong)
    page.goto(shop.url)
    track(page, "book")

    until(lambda: items() == ["book"])

    event = Interaction.objects.get()
    assert abs(event.occurred_at - event.received_at) < timedelta(seconds=1)
    assert event.occurred_at_sent is not None
    assert abs(event.occurred_at_sent - wrong) < timedelta(seconds=1)


def test_page_of_a_site_that_the_key_is_not_for_sends_in_vain(page: Page, shop: Shop) -> None:
    shop.has_key_for("https://shop.example")
    page.goto(shop.url)
    track(page, "book")
    time.sleep(QUIET_SECONDS)

    assert (items(), kept(page)) == ([], ["recsite"])
