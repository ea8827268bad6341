"""Findings into one digest, so that two ways of finding them can be held against each other to the last one."""

import hashlib


class Digest:
    """Hashes findings in the order in which they are given; absent texts are empty."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._count = 0

    def add(self, *texts: str) -> None:
        """Take one finding: policy, check, severity, subject, skuId, part number, detail, waiver."""
        self._hash.update(("\x1f".join(texts) + "\n").encode())
        self._count += 1

    def summary(self) -> dict[str, object]:
        """Return the number of findings and their digest."""
        return {"findings": self._count, "digest": self._hash.hexdigest()}
