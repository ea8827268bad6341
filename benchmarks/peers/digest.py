"""Computes a digest of all findings, to compare the engine with its peers."""

import hashlib
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.result.finding import Findings

COLUMNS = ("policy", "check", "severity", "subject", "skuId", "skuPartNumber", "detail", "waiver")
"""The columns that identify a finding."""


def digest(findings: Findings | pa.Table) -> dict[str, object]:
    """Return the number of findings and their digest, in their order; null counts as empty text."""
    checksum = hashlib.sha256()
    for texts in _of_table(findings) if isinstance(findings, pa.Table) else _of_findings(findings):
        checksum.update(("\x1f".join(texts) + "\n").encode())
    return {"findings": len(findings), "digest": checksum.hexdigest()}


def digest_of_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the digest of pairs of policy and user, whatever their order."""
    return hashlib.sha256("\n".join("\x1f".join(pair) for pair in sorted(set(pairs))).encode()).hexdigest()


def _of_findings(findings: Findings) -> Iterator[tuple[str, ...]]:
    for finding in findings:
        product = finding.product
        yield (
            *(finding.policy, finding.check, finding.severity.value, finding.subject.id),
            *(("", "") if product is None else (product.sku_id or "", product.sku_part_number or "")),
            *(finding.detail or "", finding.waiver or ""),
        )


def _of_table(table: pa.Table) -> Iterable[tuple[str, ...]]:
    for start in range(0, table.num_rows, 1 << 16):
        part = table.slice(start, 1 << 16)
        columns = (pc.fill_null(part[name].cast("string"), "").to_pylist() for name in COLUMNS)
        yield from zip(*columns, strict=True)
