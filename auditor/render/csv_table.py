"""A Result's findings into one flat table for Excel and for scripts, a finding a row."""

import csv
from collections.abc import Iterator, Mapping
from decimal import Decimal
from io import StringIO
from re import compile as pattern
from typing import Any, Final

from auditor.domain.result import Finding, PolicyHeader, Result
from auditor.render.artifact import Artifact
from auditor.render.facts import SEAT_FACTS, last_sign_in, paths, product_name, product_names
from auditor.render.json_text import amount
from auditor.render.visible import visible

Cell = str | int | Decimal | None

_USER_FACTS: Final = ("userPrincipalName", "accountEnabled", "userType", "department", "usageLocation")
COLUMNS: Final = (
    *("tenant", "policy", "title", "severity", "status", "change", "check"),
    *("subjectType", "subjectId", "subjectName", "skuId", "skuPartNumber", "productName", "detail"),
    *("currency", "perMonth", "waiver", "guidance", "fingerprint", "sourceFile", "sourceLine"),
    *_USER_FACTS,
    *("lastSignIn", "assignmentPaths"),
    *SEAT_FACTS,
)
_FORMULA: Final = pattern(r"[\t\r]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b]")
"""What a spreadsheet may take for a formula; full-width and small forms too, which East Asian Excel reads alike."""
_ROWS: Final = 1000
"""Rows written at once: memory stays flat, and writing stays quick."""


def render(result: Result, *, locale: str, bom: bool = False) -> Artifact:
    """Write every finding; `bom` puts the mark in front that makes Excel read UTF-8 from a double click.

    Lines end with CR LF. The header and the values of closed vocabularies are the same in every locale.
    """
    del locale
    return Artifact(name="findings.csv", media_type="text/csv; charset=utf-8", body=_pages(result, bom=bom))


def rows(result: Result) -> Iterator[tuple[Cell, ...]]:
    """Yield the cells of every finding under COLUMNS, tenant by tenant and the fleet's last (its tenant is empty)."""
    headers = {policy.id: policy for policy in result.run.policies}
    fleet_names: dict[str, str] = {}
    for tenant in result.tenants:
        names = product_names(tenant)
        fleet_names = {**names, **fleet_names}
        for finding in tenant.findings:
            yield _row(tenant.name, finding, headers.get(finding.policy), names)
    for finding in result.fleet.findings:
        yield _row("", finding, headers.get(finding.policy), fleet_names)


def harmless(text: str) -> str:
    """Return a cell that a spreadsheet shows instead of computing, and that hides no control character."""
    if text[:1].isalnum() and text.isascii() and text.isprintable():
        return text
    shown = visible(text, keep="\t\r\n")
    return f"'{shown}" if _FORMULA.match(text) else shown


def _pages(result: Result, *, bom: bool) -> Iterator[bytes]:
    page = StringIO(newline="")
    writer = csv.writer(page, lineterminator="\r\n")
    if bom:
        page.write("\ufeff")
    writer.writerow(COLUMNS)
    for number, row in enumerate(rows(result), start=1):
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
        if number % _ROWS == 0:
            yield page.getvalue().encode()
            page.seek(0)
            page.truncate()
    yield page.getvalue().encode()


def _row(tenant: str, finding: Finding, header: PolicyHeader | None, names: Mapping[str, str]) -> tuple[Cell, ...]:
    product, money, evidence = finding.product, finding.money, finding.evidence
    return (
        tenant,
        finding.policy,
        header.title if header is not None else "",
        finding.severity.value,
        finding.status.value,
        finding.change.value if finding.change is not None else "",
        finding.check,
        finding.subject.type.value,
        finding.subject.id,
        finding.subject.name,
        product.sku_id if product is not None else None,
        product.sku_part_number if product is not None else None,
        product_name(finding, names),
        finding.detail,
        money.currency if money is not None else None,
        amount(money.per_month) if money is not None else None,
        finding.waiver,
        finding.guidance,
        finding.fingerprint,
        finding.source.file,
        finding.source.line,
        *(_cell(evidence.get(name)) for name in _USER_FACTS),
        last_sign_in(evidence),
        "; ".join(paths(evidence)),
        *(_cell(evidence.get(name)) for name in SEAT_FACTS),
    )


def _cell(value: Any) -> Cell:
    """Return one plain cell; lists and mappings become words between semicolons, never JSON."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return value
        case list() | tuple():
            return "; ".join(str(_cell(each)) for each in value)
        case Mapping():
            return "; ".join(f"{name} {_cell(value[name])}" for name in sorted(value))
        case _:
            return str(value)
