"""What a web process keeps of a catalogue: how long it takes to load, how much memory, how soon changes are in.

python -m benchmarks.shelf [--items 100000]

Starts PostgreSQL and Redis of its own in a folder that is gone afterwards. Seconds are of CPU of this process, and
of the clock in brackets.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")

TEXT = 'price < 10 and not (category = "category 3") or created_at > now - 30d'
FILL = """
    INSERT INTO interests_category (name, colour_rank, is_learned, is_used)
    SELECT 'category ' || n, n, FALSE, TRUE FROM generate_series(0, 49) n;
    INSERT INTO interests_item
        (item_id, title, description, attributes, is_described, is_hidden, created_at)
    SELECT 'item-' || n, 'Item ' || n, '', json_build_object('price', n %% 50, 'brand', 'brand ' || n %% 99),
           TRUE, n %% 100 = 0, now() - n * interval '1 minute'
    FROM generate_series(1, %(items)s) n;
    INSERT INTO interests_item_categories (item_id, category_id)
    SELECT DISTINCT item.id, category.id FROM interests_item item
    JOIN interests_category category ON category.colour_rank IN (item.id %% 50, item.id * 7 %% 50);
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=100_000)
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="recsite-bench-"))
    os.environ["RECSITE_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "recsite.settings"
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    from recsite import embedded

    servers = [embedded.start_postgres(home), embedded.start_redis(home)]
    try:
        measure(options.items)
    finally:
        for server in servers:
            embedded.stop(server)
        shutil.rmtree(embedded.socket_folder(home), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def measure(num_items: int) -> None:
    """Fill the catalogue and print what each step takes."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from interests.models import Item
    from recommender.services.keeping import Keeper
    from recommender.services.shelf import Shelf

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"items": num_items})
        cursor.execute("ANALYZE")
    before = psutil.Process().memory_info().rss
    keeper = Keeper()
    keeper.looks_itself = True
    shelf: Shelf = timed("load", lambda: keeper.current().shelf)
    timed("compile an expression", lambda: shelf.compiled(TEXT, now=timezone.now()))
    print(f"{'memory':<34}{(psutil.Process().memory_info().rss - before) / 2**20:>8.0f} MiB")
    Item.objects.filter(item_id="item-7").update(attributes={"price": 1})
    timed("take in one changed item", keeper.current)
    Item.objects.filter(pk__lt=2_000).update(title="x")
    timed("take in 2,000 changed items", keeper.current)
    timed("look for changes, none there", keeper.current)


def timed(name: str, step: Callable[[], T]) -> T:
    """Print the seconds that a step takes and return its result."""
    cpu, clock = time.process_time(), time.perf_counter()
    found = step()
    print(f"{name:<34}{time.process_time() - cpu:>8.3f} s ({time.perf_counter() - clock:.3f} s)")
    return found


if __name__ == "__main__":
    main()
