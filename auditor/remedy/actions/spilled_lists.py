"""What the actions of very many people list, in the spill file of the run: fingerprints and requests."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa

from auditor.domain.sized_iterable import SizedIterable
from auditor.findings.spill import Block, SpillFile
from auditor.remedy.actions.groups import ActionGroup, Place

_BYTES: Final = 16
"""Of a fingerprint."""
_REQUESTS: Final = 1 << 14
_FINGERPRINTS: Final = 1 << 18
"""Requests and fingerprints that the actions of a tenant keep in memory at most."""
_TOGETHER: Final = 4096
"""Requests that are written, and read again, at once."""


class SpilledFingerprints(SizedIterable[str]):
    """The fingerprints of an action in ascending order."""

    def __init__(self, spill: SpillFile) -> None:
        self._spill = spill
        self._blocks: list[Block] = []
        self._count = 0

    def write(self, fingerprints: Sequence[str]) -> None:
        """Append fingerprints of 32 hexadecimal digits. Raises DeliveryError where the disk is full."""
        data = pa.py_buffer(bytes.fromhex("".join(fingerprints)))
        array = pa.Array.from_buffers(pa.binary(_BYTES), len(fingerprints), [None, data])
        self._blocks.append(self._spill.write(pa.record_batch([array], ["fingerprint"])))
        self._count += len(fingerprints)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        """Read all of them: 16 bytes each are in memory meanwhile. Raises DeliveryError where the file was cut."""
        arrays = [self._spill.read(block).column(0) for block in self._blocks]
        found = np.frombuffer(b"".join(b"".join(array.to_pylist()) for array in arrays), dtype=f"S{_BYTES}")
        text = np.sort(found).tobytes().hex()
        return (text[start : start + 2 * _BYTES] for start in range(0, len(text), 2 * _BYTES))


class SpilledRequests(SizedIterable[Mapping[str, Any]]):
    """The requests of an action in the order of their remedies."""

    def __init__(self, spill: SpillFile) -> None:
        self._spill = spill
        self._blocks: list[tuple[Place, int, Block]] = []
        self._count = 0

    def write(self, requests: Iterable[tuple[Place, Mapping[str, Any]]]) -> None:
        """Append requests, each with the place of its remedy. Raises DeliveryError where the disk is full."""
        by_place: dict[Place, list[bytes]] = {}
        for place, document in requests:
            by_place.setdefault(place, []).append(orjson.dumps(document))
        for place, documents in by_place.items():
            for start in range(0, len(documents), _TOGETHER):
                some = pa.array(documents[start : start + _TOGETHER], pa.binary())
                block = self._spill.write(pa.record_batch([some], ["request"]))
                self._blocks.append((place, len(self._blocks), block))
            self._count += len(documents)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Read them all, some thousands at a time. Raises DeliveryError where the file was cut."""
        for _, _, block in sorted(self._blocks):
            yield from map(orjson.loads, self._spill.read(block).column(0).to_pylist())


class ActionLists:
    """The lists of all actions of a tenant: in memory while they are short, else in the spill file, if there is one."""

    def __init__(self, spill: SpillFile | None) -> None:
        self._spill = spill
        self._fingerprints: dict[ActionGroup, SpilledFingerprints] = {}
        self._requests: dict[ActionGroup, SpilledRequests] = {}

    def shorten(self, groups: Sequence[ActionGroup]) -> None:
        """Write what the groups list where it is long. Raises DeliveryError where the disk is full."""
        requests = sum(len(group.requests) for group in groups)
        if requests > _REQUESTS or sum(len(group.marks) for group in groups) > _FINGERPRINTS:
            self._write(groups)

    def of(self, group: ActionGroup) -> tuple[Sequence[str], Sequence[Mapping[str, Any]]]:
        """Return the fingerprints and the requests of a group, as tuples where they never were written."""
        if group in self._fingerprints or group in self._requests:
            self._write((group,))
        return (
            self._fingerprints.get(group) or tuple(sorted(group.marks)),
            self._requests.get(group) or tuple(group.documents),
        )

    def _write(self, groups: Iterable[ActionGroup]) -> None:
        if self._spill is None:
            return
        for group in groups:
            if group.marks:
                self._fingerprints.setdefault(group, SpilledFingerprints(self._spill)).write(group.marks)
                group.marks.clear()
            if group.requests:
                self._requests.setdefault(group, SpilledRequests(self._spill)).write(group.requests)
                group.requests.clear()
