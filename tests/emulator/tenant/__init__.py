"""What a tenant of the emulator holds."""
