"""Fixtures: an emulated tenant, a working directory with its plan, and a function that sends the plan's requests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.service.planned_tenant import Send, planned_emulator, planned_folder, sender
from tests.emulator.server import Emulator


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with planned_emulator() as server:
        yield server


@pytest.fixture
def send(emulator: Emulator) -> Iterator[Send]:
    with sender(emulator) as send_request:
        yield send_request


@pytest.fixture
def workspace(tmp_path: Path, emulator: Emulator, send: Send) -> Path:
    return planned_folder(tmp_path, emulator, send)
