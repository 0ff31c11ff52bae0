"""Print how long the server takes to answer pages full of rows: the median and the slowest of some requests.

    python -m benchmarks.pages [--only population | end-user]

Starts a PostgreSQL of its own in a temporary folder, fills it and asks as an analyst does, without a browser, one
request after the other. To reach: under 1 s for pages of the population with 100,000 simulated end users, under
300 ms for pages of one person with 10,000 states.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import pages_end_user, pages_population

ROOT = Path(__file__).resolve().parents[1]
NUM_REQUESTS = 7


@dataclass(frozen=True)
class Site:
    """What is filled, and which pages of it are asked for.

    Attributes:
        fill: writes the rows; says in a line what there is
        addresses: name of each page and where it is, once the rows are in
        limit_ms: to reach
    """

    fill: Callable[[], str]
    addresses: Callable[[], dict[str, str]]
    limit_ms: float


SITES = {
    "end-user": Site(pages_end_user.fill, pages_end_user.addresses, 300),
    "population": Site(pages_population.fill, pages_population.addresses, 1_000),
}


def main() -> None:
    """Run the benchmark, or one site of it in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=sorted(SITES))
    parser.add_argument("--step", choices=sorted(SITES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(_measure(SITES[options.step])))
        return
    for name in [options.only] if options.only else SITES:
        _print(name, _in_a_fresh_site(name))


def _in_a_fresh_site(name: str) -> dict[str, list[float]]:
    home = Path(tempfile.mkdtemp(prefix="recsite-bench-"))
    os.environ.update(RECSITE_HOME=str(home), DJANGO_SETTINGS_MODULE="recsite.settings")
    os.environ.pop("DATABASE_URL", None)
    os.environ.pop("REDIS_URL", None)
    from recsite import embedded

    servers = [embedded.start_postgres(home), embedded.start_redis(home)]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.pages", "--step", name],
            check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
    finally:
        for server in reversed(servers):
            embedded.stop(server)
        shutil.rmtree(embedded.socket_folder(home), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measure(site: Site) -> dict[str, list[float]]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    print(site.fill(), file=sys.stderr)
    return timed(site.addresses())


def timed(addresses: dict[str, str], *, num_requests: int = NUM_REQUESTS) -> dict[str, list[float]]:
    """Return the milliseconds of each request for each page, the first of each left out.

    Under the page's name with "cpu " before it: those of the web process alone, which a busy machine hardly changes.
    """
    from django.contrib.auth.models import Group, User
    from django.test import Client

    account = User.objects.create_user("ada", "ada@example.org", "a long password")
    account.groups.add(Group.objects.get(name="analyst"))
    client = Client(SERVER_NAME="localhost")
    client.force_login(account)
    found: dict[str, list[float]] = {}
    for name, address in addresses.items():
        for number in range(num_requests + 1):
            start, cpu = time.perf_counter(), time.process_time()
            response = client.get(address)
            took = (time.perf_counter() - start, time.process_time() - cpu)
            if response.status_code != 200:
                raise RuntimeError(f"{address} answered {response.status_code}.")
            if number:
                for label, seconds in zip((name, f"cpu {name}"), took, strict=True):
                    found.setdefault(label, []).append(1000 * seconds)
    return found


def _print(name: str, found: dict[str, list[float]]) -> None:
    print(f"{name} (to reach: {SITES[name].limit_ms:,.0f} ms)")
    print(f"{'page':<44}{'median ms':>10}{'slowest':>9}{'of it web':>11}")
    for page, milliseconds in found.items():
        if not page.startswith("cpu "):
            own = median(found[f"cpu {page}"])
            print(f"{page:<44}{median(milliseconds):>10.0f}{max(milliseconds):>9.0f}{own:>11.0f}")


if __name__ == "__main__":
    main()
