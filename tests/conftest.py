"""Settings and fixtures for all tests, independent of how the tests were started."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.builders.service.chromium import running

pytest.register_assert_rewrite("tests.oracle.adapter")  # its assertion then shows how oracle and engine differ

# Write bytecode, as in the Makefile: otherwise each worker spends 15 seconds on compiling again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("steady", settings.get_profile("explore"), derandomize=True, max_examples=15)
# Without deadline and randomness, equal sources have equal outcomes; `--hypothesis-profile=explore` tries new examples.
settings.load_profile("steady")

_LONG = ("tests/spark/", "tests/e2e/github/")
"""Folders with tests that take up to a minute each."""


def pytest_configure() -> None:
    """Let tests interrupt the programs that they start: shells make background processes ignore SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Exclude the thousands of tests from garbage collection, which runs as rarely as in the program."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with running() as browser:
        yield browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use the `chromium` fixture as browser tests, and put those that take up to a minute first.

    At the end, the other workers would have nothing left to do while one of these runs.
    """
    for item in items:
        if isinstance(item, pytest.Function) and "chromium" in item.fixturenames:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))
