"""Print the rate of `import_data` beside a plain COPY of the same rows into the same table, and its memory.

    python -m benchmarks.importing [--events 1000000]

Starts a PostgreSQL of its own in a temporary folder. The rate counts the whole command's work on the
events' folder: reading, checking, mapping ids, writing, the quality report. The COPY gets ready-made
rows with keys. To reach: half the COPY's rate; memory that does not grow with the file.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

NUM_USERS, NUM_ITEMS, NUM_CATEGORIES = 20_000, 10_000, 20
SEED = 1
ROOT = Path(__file__).resolve().parents[1]
COLUMNS = (
    "event_id, end_user_id, item_id, kind_id, value, occurred_at, received_at, session_id, "
    "recommendation_id, attributes, is_time_doubtful"
)


def main() -> None:
    """Run the benchmark, or one of its steps in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--import-folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--copy", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.import_folder:
        print(json.dumps(_timed_import(options.import_folder)))
    elif options.copy:
        print(json.dumps(_timed_copy()))
    else:
        _compare(options.events)


def _compare(num_events: int) -> None:
    home = Path(tempfile.mkdtemp(prefix="recsite-bench-"))
    os.environ.update(RECSITE_HOME=str(home), DJANGO_SETTINGS_MODULE="recsite.settings")
    os.environ.pop("DATABASE_URL", None)
    from recsite import embedded

    server = embedded.start_postgres(home)
    try:
        subprocess.run([sys.executable, ROOT / "manage.py", "migrate", "-v0"], check=True, cwd=ROOT)
        small, large = home / "small", home / "large"
        generate(small, num_events=num_events // 10)
        generate(large, num_events=num_events)
        results = {"small": _child("--import-folder", str(small)), "copy_small": _child("--copy")}
        results |= {"large": _child("--import-folder", str(large)), "copy": _child("--copy")}
        _print(results, num_events)
    finally:
        embedded.stop(server)
        shutil.rmtree(embedded.socket_folder(home), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def generate(folder: Path, *, num_events: int) -> None:
    """Write a folder of events in order of time, each end user's and item's share as uneven as in life."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(SEED)
    users = (rng.pareto(1.5, num_events) * NUM_USERS / 8).astype(np.int64) % NUM_USERS
    items = (rng.pareto(1.2, num_events) * NUM_ITEMS / 50).astype(np.int64) % NUM_ITEMS
    times = np.sort(rng.integers(1_700_000_000_000, 1_790_000_000_000, num_events))
    stamps = np.datetime_as_string(times.astype("datetime64[ms]"), unit="ms")
    kinds = rng.choice(
        ["view", "like", "purchase", "dislike"], num_events, p=[0.8, 0.1, 0.05, 0.05]
    )
    pd.DataFrame(
        {"user_id": np.char.add("user-", users.astype(str)), "item_id": np.char.add("item-", items.astype(str)),
         "kind": kinds, "occurred_at": np.char.add(stamps, "Z")}
    ).to_csv(folder / "interactions.csv", index=False)  # fmt: skip
    names = [f"Category {item % NUM_CATEGORIES}" for item in range(NUM_ITEMS)]
    pd.DataFrame(
        {"item_id": [f"item-{item}" for item in range(NUM_ITEMS)],
         "title": [f"Item {item}" for item in range(NUM_ITEMS)], "categories": names}
    ).to_csv(folder / "items.csv", index=False)  # fmt: skip


def _child(*arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.importing", *arguments],
        check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _timed_import(folder: Path) -> dict[str, float]:
    import django

    django.setup()
    from django.utils import timezone

    from interests.models import ImportRun
    from interests.services import importing, running

    run = running.request(ImportRun, now=timezone.now(), source=str(folder))
    start = time.perf_counter()
    importing.import_folder(run_id=run.pk)
    seconds = time.perf_counter() - start
    run.refresh_from_db()
    return {
        "rows": run.results["files"]["interactions.csv"]["good"],
        "seconds": seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _timed_copy() -> dict[str, float]:
    """Write out the rows that the import stored, empty the table, and read them in again by COPY."""
    import django

    django.setup()
    from django.db import connection

    with tempfile.TemporaryFile() as file, connection.cursor() as cursor:
        # In order of time, as the file had them.
        cursor.copy_expert(
            f"COPY (SELECT {COLUMNS} FROM interests_interaction ORDER BY occurred_at) TO STDOUT",
            file,
        )
        cursor.execute("TRUNCATE interests_interaction")
        file.seek(0)
        start = time.perf_counter()
        cursor.copy_expert(f"COPY interests_interaction ({COLUMNS}) FROM STDIN", file, 2**18)
        seconds = time.perf_counter() - start
        rows = cursor.rowcount
        cursor.execute("TRUNCATE interests_interaction")
    return {"rows": rows, "seconds": seconds}


def _print(results: dict[str, dict[str, float]], num_events: int) -> None:
    small, large, copy = results["small"], results["large"], results["copy"]
    rate, copy_rate = large["rows"] / large["seconds"], copy["rows"] / copy["seconds"]
    print(f"{'what':<28}{'rows':>12}{'seconds':>10}{'rows/s':>12}{'peak MB':>10}")
    for label, row in (
        ("import_data", small),
        ("import_data", large),
        ("COPY of the same rows", copy),
    ):
        peak = f"{row['peak_mb']:>10.0f}" if "peak_mb" in row else ""
        print(
            f"{label:<28}{row['rows']:>12,.0f}{row['seconds']:>10.1f}"
            f"{row['rows'] / row['seconds']:>12,.0f}{peak}"
        )
    print(
        f"import_data runs at {rate / copy_rate:.2f} of the rate of COPY (to reach: 0.50); "
        f"ten times the events take {large['peak_mb'] - small['peak_mb']:+.0f} MB."
    )


if __name__ == "__main__":
    main()
