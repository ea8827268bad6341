"""The fixture of the emulated tenant that end-to-end tests read."""

from tests.emulator.fixtures import emulator

__all__ = ["emulator"]
