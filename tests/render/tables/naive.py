"""Builds the flat table row by row with the standard library: the reference for the vectorised implementation."""

import csv
from collections.abc import Iterator, Sequence
from decimal import Decimal
from io import StringIO
from typing import TypeVar

from auditor.checks.check import Cost
from auditor.checks.registry import cost_of
from auditor.domain.enums import Status, SubjectType
from auditor.domain.money import rounded
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result
from auditor.findings.display_names import named_product
from auditor.findings.facts import SEAT_FACTS, last_sign_in
from auditor.render.tables.csv import escaped_cell
from auditor.render.tables.flat_rows import COLUMNS, Cell, cell
from auditor.render.text.evidence.facts import paths, product_and_set_names, product_names
from auditor.render.text.labels import Labels

Key = TypeVar("Key")
NOT_SUMMED = {Cost.TOTAL, Cost.MISSING}
FACTS = ("accountEnabled", "userType", "department", "usageLocation")


def rows(result: Result) -> Iterator[tuple[Cell, ...]]:
    all_names: dict[str, str] = {}
    for tenant in result.tenants:
        all_names = {**product_names(tenant), **all_names}
        counted = counted_findings(tuple(tenant.findings))
        for finding, amount_counted in zip(tenant.findings, counted, strict=True):
            yield row(tenant.name, finding, result, product_and_set_names(tenant, Labels("en")), amount_counted)
    counted = counted_findings(tuple(result.fleet.findings))
    for finding, amount_counted in zip(result.fleet.findings, counted, strict=True):
        yield row("", finding, result, all_names, amount_counted)


def counted_findings(findings: Sequence[Finding]) -> list[Decimal]:
    """Return the amounts that add up to the cost of the open findings: of each seat, the first of the highest ones."""
    people: dict[tuple[str | None, ...], int] = {}
    products: dict[tuple[Cost, tuple[str | None, ...]], int] = {}
    subscriptions: dict[tuple[str | None, ...], dict[str, int]] = {}
    for index, finding in enumerate(findings):
        money, subject, cost = finding.money, finding.subject, cost_of(finding.check)
        if finding.status is not Status.OPEN or money is None or cost in NOT_SUMMED:
            continue
        sku_id = None if finding.product is None else finding.product.sku_id
        key = money.currency, sku_id or subject.id
        if subject.type is SubjectType.USER:
            keep_dearest(people, (money.currency, sku_id, subject.id), index, findings)
        elif cost in {Cost.ALL_SEATS, Cost.ASSIGNED_SEATS}:
            keep_dearest(products, (cost, key), index, findings)
        elif subject.type is SubjectType.SUBSCRIPTION:
            keep_dearest(subscriptions.setdefault(key, {}), subject.id, index, findings)
        else:
            keep_dearest(products, (Cost.SEATS, key), index, findings)
    amounts = [Decimal(0)] * len(findings)
    held: dict[tuple[str | None, ...], Decimal] = {}
    for (currency, sku_id, _), person in people.items():
        amounts[person] = amount(findings[person])
        held[currency, sku_id] = held.get((currency, sku_id), Decimal(0)) + amounts[person]
    keys: set[tuple[str | None, ...]] = {*(key for _, key in products), *subscriptions}
    for product in keys:
        every, assigned, spare = (
            [products[cost, product]] if (cost, product) in products else []
            for cost in (Cost.ALL_SEATS, Cost.ASSIGNED_SEATS, Cost.SEATS)
        )
        others = list(subscriptions.get(product, {}).values())
        if total(others, findings) > total(spare, findings):
            spare = others
        beyond = max(Decimal(0), total(assigned, findings) - held.get(product, Decimal(0)))
        in_all = max(Decimal(0), total(every, findings) - held.get(product, Decimal(0)))
        if in_all > beyond + total(spare, findings):
            amounts[every[0]] = in_all
        else:
            for index in spare:
                amounts[index] = amount(findings[index])
            for index in assigned:
                amounts[index] = beyond
    return amounts


def total(indices: Sequence[int], findings: Sequence[Finding]) -> Decimal:
    return sum((amount(findings[index]) for index in indices), Decimal(0))


def keep_dearest(kept: dict[Key, int], key: Key, index: int, findings: Sequence[Finding]) -> None:
    if amount(findings[index]) > (amount(findings[kept[key]]) if key in kept else 0):
        kept[key] = index


def amount(finding: Finding) -> Decimal:
    return Decimal(0) if finding.money is None else rounded(finding.money.per_month)


def row(
    tenant: str, finding: Finding, result: Result, names: dict[str, str], amount_counted: Decimal
) -> tuple[Cell, ...]:
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
        named_product(finding, names),
        finding.detail,
        None if money is None else money.currency,
        None if money is None else rounded(money.per_month),
        None if money is None else amount_counted.quantize(Decimal("0.01")),
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
