"""A real Chromium, and reports written for it."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor.domain.result.model import Result
from auditor.history import compare
from auditor.render import render
from tests.builders.result.audited_demo import demo_result, large_result
from tests.builders.result.hostile_texts import HOSTILE, holding
from tests.builders.result.results import night_before, result

CACHE = Path(__file__).parents[3] / "node_modules"


@pytest.fixture(scope="session")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Return a function from (which report, language) to its file; each is written once."""
    folder = tmp_path_factory.mktemp("reports")

    def written(which: str, locale: str = "en") -> Path:
        file = folder / f"{which}-{locale}.html"
        if not file.exists():
            file.write_bytes(b"".join(render(_result(which, locale), "html", locale=locale).chunks()))
        return file

    return written


def _result(which: str, locale: str) -> Result:
    if which == "demo":
        return demo_result(locale)
    if which == "hostile":
        return holding(
            "\n".join(HOSTILE[kind] for kind in ("html", "script", "comment", "template", "bidi", "markdown"))
        )
    return compare(result(), night_before()) if which == "sample" else large_result(int(which))


@pytest.fixture
def opened(chromium: Any, page_of: Callable[[str, str], Path]) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a report; at the end nothing may have been loaded or complained about."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def open_(which: str = "sample", hash_: str = "", *, locale: str = "en", **options: Any) -> Any:
        context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options}
        )
        contexts.append(context)
        tab = context.new_page()
        address = page_of(which, locale).as_uri()
        tab.on("request", lambda request: wrong.extend({request.url.split("#")[0]} - {address}))
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.goto(address + hash_)
        if options.get("java_script_enabled", True):
            tab.wait_for_selector("#all:not([hidden]) tr[data-item]", state="attached")
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return axe-core's source, fetched once by npm; without npm or its registry the test is skipped."""
    known = CACHE / "axe-core" / "axe.min.js"
    if not known.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm on this machine: axe-core cannot be fetched")
        folder = tmp_path_factory.mktemp("npm")
        (folder / "package.json").write_text(json.dumps({"private": True}))
        done = subprocess.run(
            [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "axe-core@4"],
            cwd=folder, capture_output=True, text=True, check=False, timeout=180,
        )  # fmt: skip
        if done.returncode:
            pytest.skip("npm could not fetch axe-core")
        known = folder / "node_modules" / "axe-core" / "axe.min.js"
    return known.read_text(encoding="utf-8")
