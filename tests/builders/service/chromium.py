"""Starts Debian's or another Chromium with Playwright; tests that need it are skipped if there is none."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
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


@contextmanager
def watched(browser: Any) -> Iterator[Callable[..., Any]]:
    """Yield a function that opens a page in a new tab; at the end, fail if one made requests, logged or raised errors."""
    contexts: list[Any] = []
    violations: list[str] = []

    def open_page(file: Path, hash_: str, **options: Any) -> Any:
        defaults = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        contexts.append(browser.new_context(**{**defaults, **options}))
        tab, address = contexts[-1].new_page(), file.as_uri()
        tab.on("request", lambda request: violations.extend({request.url.split("#")[0]} - {address}))
        tab.on("console", lambda message: violations.append(message.text))
        tab.on("pageerror", lambda error: violations.append(str(error)))
        tab.goto(address + hash_)
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert violations == []
