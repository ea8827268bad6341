"""Builds the flat table row by row with the standard library: the reference for the vectorised implementation."""

import csv
from collections.abc import Iterator
from io import StringIO

from auditor.domain.actions.money import rounded
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result
from auditor.findings.facts import SEAT_FACTS, last_sign_in
from auditor.render.tables.csv import escaped_cell
from auditor.render.tables.flat import COLUMNS, Cell, cell
from auditor.render.text.evidence.facts import paths, product_name, product_names

FACTS = ("accountEnabled", "userType", "department", "usageLocation")


def rows(result: Result) -> Iterator[tuple[Cell, ...]]:
    all_names: dict[str, str] = {}
    for tenant in result.tenants:
        names = product_names(tenant)
        all_names = {**names, **all_names}
        for finding in tenant.findings:
            yield row(tenant.name, finding, result, names)
    for finding in result.fleet.findings:
        yield row("", finding, result, all_names)


def row(tenant: str, finding: Finding, result: Result, names: dict[str, str]) -> tuple[Cell, ...]:
    title = {policy.id: policy.title for policy in result.run.policies}.get(finding.policy, "")
    product, money, evidence = finding.product, finding.money, finding.evidence
    address = cell(evidence.get("userPrincipalName"))
    return (
        tenant,
        finding.policy,
        title,
        finding.severity.value,
        finding.status.value,
        "" if finding.change is None else finding.change.value,
        finding.check,
        finding.subject.type.value,
        finding.subject.id,
        finding.subject.name,
        None if product is None else product.sku_id,
        None if product is None else product.sku_part_number,
        product_name(finding.product, names),
        finding.detail,
        None if money is None else money.currency,
        None if money is None else rounded(money.per_month),
        finding.waiver,
        finding.guidance,
        finding.fingerprint,
        finding.source.file,
        finding.source.line,
        None
        if address is None
        else str(address),  # an address is always a text, even if a saved result has another type
        *(cell(evidence.get(name)) for name in FACTS),
        last_sign_in(evidence),
        "; ".join(paths(evidence)),
        *(cell(evidence.get(name)) for name in SEAT_FACTS),
    )


def table(result: Result) -> bytes:
    """Return the CSV file written by the standard library."""
    buffer = StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for cells in rows(result):
        writer.writerow([escaped_cell(value) if isinstance(value, str) else value for value in cells])
    return buffer.getvalue().encode()
