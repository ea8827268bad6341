"""The Graph operations that the emulator serves, one module per resource."""
