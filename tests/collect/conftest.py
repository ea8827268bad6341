"""Fixtures for the tests of collection: one emulator for all tests, reset for each of them."""

from collections.abc import Iterator

import pytest

from tests.emulator.fixtures import running_emulator, small_tenant
from tests.emulator.server import Emulator
from tests.emulator.tenant import seeded


@pytest.fixture(scope="session")
def running() -> Iterator[Emulator]:
    """The emulator that `graph` resets for each test."""
    with running_emulator([seeded.generate(1_300), small_tenant("fabrikam")]) as emulator:
        yield emulator


@pytest.fixture
def graph(running: Emulator) -> Iterator[Emulator]:
    """The emulator: `contoso` has 1,300 users, `fabrikam` five."""
    running.reset()
    yield running
    assert not running.journal.writes()
    assert not running.journal.leaks()
    running.faults.clear()
