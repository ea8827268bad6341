"""The calls of Graph that the emulator answers, one module per resource."""
