"""Run the benchmarks of speed one after the other: `python -m benchmarks`, or `make bench`."""

from __future__ import annotations

import subprocess
import sys

SPEED = (
    "benchmarks.importing",
    "benchmarks.serving",
    "benchmarks.publishing",
    "benchmarks.pages",
)


def main() -> int:
    """Run each in a process of its own; return how many failed."""
    failed = 0
    for name in SPEED:
        print(f"\n{name}", flush=True)
        failed += bool(subprocess.run([sys.executable, "-m", name], check=False).returncode)
    return failed


if __name__ == "__main__":
    sys.exit(main())
