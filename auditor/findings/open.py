"""Open findings of a table by fingerprint, without reading the evidence of the others."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet

import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.enums import Status
from auditor.domain.result.finding import Finding, Findings
from auditor.findings.columns import decode


def open_fingerprints(findings: Findings) -> tuple[str, ...]:
    """Return the fingerprints of the open findings in report order."""
    return tuple(fingerprint for batch in _opened(findings) for fingerprint in batch.column("fingerprint").to_pylist())


def open_findings(findings: Findings, named: AbstractSet[str] | None = None) -> tuple[Finding, ...]:
    """Return the open findings in report order, or those of them with one of these fingerprints."""
    chosen = None if named is None else pa.array(named, pa.string())
    return tuple(_chosen(findings, None if chosen is None else lambda marks: pc.is_in(marks, chosen)))


def newly_open(findings: Findings, known: AbstractSet[str]) -> tuple[Finding, ...]:
    """Return the open findings whose fingerprints are not among those known."""
    left_out = pa.array(known, pa.string())
    return tuple(_chosen(findings, lambda marks: pc.invert(pc.is_in(marks, left_out))))


def _opened(findings: Findings) -> Iterator[pa.RecordBatch]:
    for batch in findings.batches():
        yield batch.filter(pc.equal(batch.column("status").cast(pa.string()), Status.OPEN.value))


def _chosen(findings: Findings, choice: Callable[[pa.Array], pa.Array] | None) -> Iterator[Finding]:
    for batch in _opened(findings):
        yield from decode(batch if choice is None else batch.filter(choice(batch.column("fingerprint"))))
