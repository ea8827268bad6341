"""The fixture of an emulated Microsoft Graph with more users than fit on a page."""

from collections.abc import Iterator

import pytest

from tests.emulator.fixtures import running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant import seeded

USERS = 1_200


@pytest.fixture(scope="session")
def _running() -> Iterator[Emulator]:
    with running_emulator([seeded.generate(USERS)]) as emulator:
        yield emulator


@pytest.fixture
def graph(_running: Emulator) -> Iterator[Emulator]:
    _running.reset()
    yield _running
    _running.faults.clear()
