"""Node and what the clients' tests need of the npm registry. Without npm they are skipped, but never in CI."""

import os
import shutil

import pytest

if os.environ.get("CI") and shutil.which("npm") is None:
    raise pytest.UsageError("The clients' tests need Node.js 20 or newer with npm.")

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
