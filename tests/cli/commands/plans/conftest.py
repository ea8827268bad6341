"""A tenant of the emulator with a plan, and who sends its requests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.service.planned_tenant import Send, planned_emulator, planned_folder, sender
from tests.emulator.server import Emulator


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with planned_emulator() as running:
        yield running


@pytest.fixture
def send(emulator: Emulator) -> Iterator[Send]:
    with sender(emulator) as one:
        yield one


@pytest.fixture
def here(tmp_path: Path, emulator: Emulator, send: Send) -> Path:
    return planned_folder(tmp_path, emulator, send)
