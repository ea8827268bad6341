"""One emulator for all tests of collection; each test starts without faults and with an empty journal."""

from collections.abc import Iterator

import pytest

from tests.emulator.fixtures import running_emulator, small_tenant
from tests.emulator.server import Emulator
from tests.emulator.tenant import seeded


@pytest.fixture(scope="session")
def _running() -> Iterator[Emulator]:
    with running_emulator([seeded.generate(1_300), small_tenant("fabrikam")]) as emulator:
        yield emulator


@pytest.fixture
def graph(_running: Emulator) -> Iterator[Emulator]:
    """The emulator: `contoso` has 2 500 users, `fabrikam` five."""
    _running.reset()
    yield _running
    assert not _running.journal.writes()
    assert not _running.journal.leaks()
    _running.faults.clear()
