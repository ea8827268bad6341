"""Debian's Chromium, or whichever there is, driven by Playwright; tests that need it say so where there is none."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


def program() -> str | None:
    """Return the browser that CHROMIUM names, else the first of its usual names that is installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next((found for name in names if (found := shutil.which(name))), None)


@contextmanager
def running() -> Iterator[Any]:
    """Start a browser, and end it together with Playwright's loop, which later tests must not meet."""
    executable = program()
    if executable is None:
        pytest.skip("no Chromium on this machine: `apt-get install chromium` brings it")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()
