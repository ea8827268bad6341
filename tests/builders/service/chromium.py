"""Starts Debian's or another Chromium with Playwright; tests that need it are skipped if there is none."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


def program() -> str | None:
    """Return the browser named by CHROMIUM, or else the first one that is installed under a usual name."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def running() -> Iterator[Any]:
    """Start a browser; end it together with Playwright's event loop, which must not exist in later tests."""
    executable = program()
    if executable is None:
        pytest.skip("no Chromium on this machine: `apt-get install chromium` brings it")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()
