"""Collection against the emulator, through the SDK and real sockets."""
