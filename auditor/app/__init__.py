"""The use cases: where files, network and clock meet the pure packages."""
