"""Selects the open findings of a table by fingerprint, without decoding the others."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.enums import Status
from auditor.domain.result.finding import Finding, Findings
from auditor.findings.columns import decode


def open_fingerprints(findings: Findings) -> tuple[str, ...]:
    """Return the fingerprints of the open findings in report order."""
    return tuple(
        fingerprint for batch in _open_batches(findings) for fingerprint in batch.column("fingerprint").to_pylist()
    )


def open_findings(findings: Findings, named: AbstractSet[str] | None = None) -> tuple[Finding, ...]:
    """Return the open findings in report order; with `named`, only those with one of these fingerprints."""
    batches = _open_batches(findings)
    if named is not None:
        fingerprints = pa.array(named, pa.string())
        batches = (batch.filter(pc.is_in(batch.column("fingerprint"), fingerprints)) for batch in batches)
    return tuple(chain.from_iterable(map(decode, batches)))


def newly_open(findings: Findings, earlier: AbstractSet[str]) -> tuple[Finding, ...]:
    """Return the open findings whose fingerprints are not in `earlier`."""
    excluded = pa.array(earlier, pa.string())
    new = (
        batch.filter(pc.invert(pc.is_in(batch.column("fingerprint"), excluded))) for batch in _open_batches(findings)
    )
    return tuple(chain.from_iterable(map(decode, new)))


def _open_batches(findings: Findings) -> Iterator[pa.RecordBatch]:
    for batch in findings.batches():
        yield batch.filter(pc.equal(batch.column("status").cast(pa.string()), Status.OPEN.value))
