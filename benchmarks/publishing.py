"""Print how fast slates are made for everybody, beside the machine's own matrix rate, and the memory.

    python -m benchmarks.publishing [--users 10000] [--more-users 200000] [--events 50]

Starts a PostgreSQL of its own in a temporary folder. Histories of 50 events, 10,000 items, slates of 200; the
network has width 128 and 2 blocks and is hardly trained, which changes no speed. "Encode and score" is
what the network does with histories in memory: forward pass, scores of all items, the best of them; its
operations are the matrix products of a plain forward pass over every event and of the scores. The
publication is the whole run: reading histories, the same, writing slates, similar items, checks; what it
takes longer than encode and score alone is reading and writing. To reach: half of the machine's matrix rate
in encode and score, about 1,000 end users a second on 2 cores; memory that does not grow with the
number of end users.
"""

from __future__ import annotations

import argparse
import itertools
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

from interests.datasets.log import InteractionLog

NUM_ITEMS, MAX_LENGTH, WIDTH, NUM_BLOCKS = 10_000, 50, 128, 2
NUM_CATEGORIES = 20
# People whose histories are encoded and scored in memory, and how often: the median counts.
NUM_SCORED, NUM_ROUNDS = 2_000, 3
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run the benchmark, or one of its steps in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument(
        "--more-users", type=int, help="publish for so many as well, for the memory"
    )
    parser.add_argument("--events", type=int, default=50, help="of each end user")
    parser.add_argument("--step", choices=sorted(STEPS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(STEPS[options.step]()))
    else:
        more = [options.more_users] if options.more_users else []
        _compare([options.users, *more], num_events=options.events)


def _compare(numbers: list[int], *, num_events: int) -> None:
    home = Path(tempfile.mkdtemp(prefix="recsite-bench-"))
    os.environ.update(
        RECSITE_HOME=str(home), DJANGO_SETTINGS_MODULE="recsite.settings", OMP_WAIT_POLICY="PASSIVE"
    )
    os.environ.pop("DATABASE_URL", None)
    from recsite import embedded

    server = embedded.start_postgres(home)
    try:
        subprocess.run([sys.executable, ROOT / "manage.py", "migrate", "-v0"], check=True, cwd=ROOT)
        _fill(0, numbers[0], num_events=num_events)
        _child("train")
        scored = _child("score")
        published = [_child("publish")]
        for before, number in itertools.pairwise(numbers):
            _fill(before, number, num_events=num_events)
            published.append(_child("publish"))
        _print(scored, published)
    finally:
        embedded.stop(server)
        shutil.rmtree(embedded.socket_folder(home), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


FILL_CATALOGUE = """
    INSERT INTO interests_category (name, colour_rank, is_learned, is_used)
    SELECT 'Category ' || n, n, FALSE, TRUE FROM generate_series(1, %(categories)s) n;
    INSERT INTO interests_item
        (item_id, title, description, attributes, is_described, is_hidden, created_at)
    SELECT 'item-' || n, 'Item ' || n, '', '{}', TRUE, n %% 100 = 0, now()
    FROM generate_series(1, %(items)s) n;
    INSERT INTO interests_item_categories (item_id, category_id)
    SELECT item.id, category.id FROM interests_item item
    JOIN interests_category category ON category.colour_rank = 1 + item.id %% %(categories)s;
"""
# Events lie in order of time, as they come in: those of one person far from each other.
FILL_EVENTS = """
    INSERT INTO interests_enduser (user_id, attributes, created_at, num_events)
    SELECT 'user-' || n, '{}', now(), %(events)s FROM generate_series(%(begin)s, %(end)s - 1) n;
    INSERT INTO interests_interaction
        (event_id, end_user_id, item_id, kind_id, occurred_at, received_at, session_id,
         recommendation_id, is_time_doubtful)
    SELECT 'event-' || person.id || '-' || n, person.id,
           first.id + floor(power(random(), 2) * %(items)s)::bigint, kind.id,
           '2026-01-01'::timestamptz + make_interval(hours => n::int, secs => random() * 3000),
           now(), '', '', FALSE
    FROM (SELECT min(id) AS id FROM interests_item) first,
         (SELECT id FROM interests_eventkind WHERE name = 'view') kind,
         generate_series(1, %(events)s) n,
         (SELECT id FROM interests_enduser WHERE substr(user_id, 6)::bigint >= %(begin)s) person
    ORDER BY n;
"""


def _fill(begin: int, end: int, *, num_events: int) -> None:
    import django

    django.setup()
    from django.db import connection

    values = {"categories": NUM_CATEGORIES, "items": NUM_ITEMS, "events": num_events}
    with connection.cursor() as cursor:
        # Keys are right by themselves: checking them took most of the time.
        cursor.execute("SET session_replication_role = replica")
        if not begin:
            cursor.execute(FILL_CATALOGUE, values)
        cursor.execute(FILL_EVENTS, values | {"begin": begin, "end": end})
        cursor.execute("VACUUM ANALYZE")
    connection.close()


def _child(step: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.publishing", "--step", step],
        check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _train() -> dict[str, float]:
    """Train one short pass on a log that has every item once, and keep the network as a run."""
    import django

    django.setup()
    from django.conf import settings
    from django.utils import timezone

    from interests.learning import checkpoints, trainer
    from interests.learning.config import TrainingConfig
    from interests.models import TrainingRun

    config = TrainingConfig(
        width=WIDTH, num_blocks=NUM_BLOCKS, max_length=MAX_LENGTH, max_epochs=1, patience=1,
        validation_users=1,
    )  # fmt: skip
    trained = trainer.fit(_every_item_once(), config=config)
    now = timezone.now()
    run = TrainingRun.objects.create(
        state="done", requested_at=now, started_at=now, finished_at=now, weights_path="networks/1"
    )
    folder = settings.RECSITE_HOME / run.weights_path
    folder.mkdir(parents=True)
    run.weights_sha256 = checkpoints.save(trained, folder)
    run.save(update_fields=["weights_sha256"])
    return {"items": trained.num_items}


def _every_item_once() -> InteractionLog:
    from interests.selectors import events

    loaded = events.load_catalogue()
    order = np.random.default_rng(0).permutation(loaded.catalogue.num_items).astype(np.int32)
    users = np.arange(len(order), dtype=np.int32) // MAX_LENGTH
    return InteractionLog(
        catalogue=loaded.catalogue,
        user_ids=np.array([f"user {n}" for n in range(users[-1] + 1)], object),
        users=users,
        items=order,
        kinds=np.zeros(len(order), np.int16),
        values=np.full(len(order), np.nan, np.float32),
        times=np.arange(len(order)) * 1_000_000,
        positions=np.arange(len(order)),
        kind_names=loaded.kind_names,
        kind_weights=loaded.kind_weights,
    )


def _publish() -> dict[str, float]:
    import django

    django.setup()
    from django.utils import timezone

    from interests.models import TrainingRun
    from interests.services import running
    from recommender.models import PublicationRun
    from recommender.services import publishing

    run = running.request(
        PublicationRun, now=timezone.now(), training_run=TrainingRun.objects.get()
    )
    before = _peak_mb()
    start = time.perf_counter()
    publishing.publish(run_id=run.pk)
    seconds = time.perf_counter() - start
    run.refresh_from_db()
    return {
        "users": run.results["num_end_users"],
        "seconds": seconds,
        "before_mb": before,
        "peak_mb": _peak_mb(),
    }


def _score() -> dict[str, float]:
    """Return the rate of matrix products and of encode and score, in the same process."""
    import django

    django.setup()
    from torch.utils.flop_counter import FlopCounterMode

    from interests.learning.sequences import batch, last_windows
    from interests.models import EndUser, TrainingRun
    from interests.selectors import events
    from interests.services import training
    from recommender.services import slating

    keys = EndUser.objects.order_by("pk").values_list("pk", flat=True)[:NUM_SCORED]
    known = events.interaction_log(end_users=list(keys))
    network = training.load(TrainingRun.objects.get())

    def score() -> int:
        return sum(len(one.users) for one in slating.rank(network=network, log=known))

    num_users, own = score(), network.histories(known.log)
    windows = last_windows(own, users=np.arange(8), ends=own.offsets[1:9], max_length=MAX_LENGTH)
    part = batch(own, windows, device=network.network.item_bias.device)
    with FlopCounterMode(display=False) as counter:
        network.network.scores(network.network(part.items, part.kinds, part.gaps)[:, -1])
    rates, seconds = [], []
    for _ in range(NUM_ROUNDS):
        rates.append(_matrix_rate())
        start = time.perf_counter()
        score()
        seconds.append(time.perf_counter() - start)
    return {
        "matrix_rate": float(np.median(rates)),
        "operations": counter.get_total_flops() / len(windows.lengths),
        "seconds": float(np.median(seconds)),
        "users": num_users,
    }


def _matrix_rate(size: int = 2048, repeats: int = 6) -> float:
    """Return float32 operations a second in the product of two square matrices."""
    import torch

    a, b = torch.randn(size, size), torch.randn(size, size)
    a @ b
    start = time.perf_counter()
    for _ in range(repeats):
        a @ b
    return 2 * size**3 * repeats / (time.perf_counter() - start)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _print(scored: dict[str, float], published: list[dict[str, float]]) -> None:
    rate = scored["users"] / scored["seconds"]
    share = rate * scored["operations"] / scored["matrix_rate"]
    print(f"matrix products, float32: {scored['matrix_rate'] / 1e9:.0f} GFLOP/s")
    print(
        f"{'what':<18}{'end users':>10}{'seconds':>9}{'a second':>10}{'read, write':>13}{'peak MB':>9}"
        f"{'before':>8}"
    )
    print(f"{'encode and score':<18}{scored['users']:>10,}{scored['seconds']:>9.1f}{rate:>10,.0f}")
    for row in published:
        rest = max(1 - row["users"] / rate / row["seconds"], 0)
        print(
            f"{'publication':<18}{row['users']:>10,}{row['seconds']:>9.1f}"
            f"{row['users'] / row['seconds']:>10,.0f}{rest:>13.0%}{row['peak_mb']:>9.0f}"
            f"{row['before_mb']:>8.0f}"
        )
    print(
        f"encode and score take {scored['operations'] / 1e6:.1f} MFLOP each, at {share:.2f} of the rate "
        "of matrix products (to reach: 0.50)."
    )


STEPS = {"train": _train, "score": _score, "publish": _publish}


if __name__ == "__main__":
    main()
