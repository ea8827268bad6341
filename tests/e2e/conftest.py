"""The emulated tenant that whole runs read."""

from tests.emulator.fixtures import emulator

__all__ = ["emulator"]
