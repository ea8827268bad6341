"""The client and the sign-in against the emulator."""
