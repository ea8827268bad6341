"""The token service of the emulator."""
