"""A frozen corpus: checksums of what every command writes, so that a restructuring can prove that nothing changed."""
