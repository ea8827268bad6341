"""Measures the HTML report of a large audit: time and memory to write it, time until Chromium displays it."""

import gc
import json
import os
import random
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import md5
from pathlib import Path
from statistics import median

from auditor.domain.actions.action import Action, Concern
from auditor.domain.enums import Agreement, Change, Cloud, Severity, Status, SubjectType
from auditor.domain.money import Money
from auditor.domain.result.finding import Finding, ProductReference, SourceLine, Subject
from auditor.domain.result.model import FleetResult, PolicyHeader, Result, Run, SeatCount, TenantResult
from auditor.findings.table import FindingTable
from auditor.render import render
from auditor.result.aggregate import summarise
from benchmarks import measurement
from benchmarks.measurement import Row, at_most, module, spread

AS_OF = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
_POLICIES = 24
_PRODUCTS = tuple((f"00000000-0000-4000-8000-{n:012d}", f"PRODUCT_{n}", f"Microsoft Product {n}") for n in range(30))
_PRICES = {sku: Decimal(200 + 193 * index) / 100 for index, (sku, _, _) in enumerate(_PRODUCTS)}
_DEPARTMENTS = ("Store", "Warehouse", "Sales", "Försäljning", "Ingénierie", "Legal", *(f"Unit {n}" for n in range(34)))
_FIRST = ("Anna", "Jeroen", "Özlem", "Søren", "Zoë")
_LAST = ("Smit", "Y\u0131lmaz", "Berg")
_CHECKS = ("assignment.not-allowed", "assignment.denied", "assignment.redundant", "assignment.error")


def large(count: int, *, seed: int = 20261120) -> Result:
    """Return a result of that many findings about half as many people; the same seed gives the same result."""
    rng = random.Random(seed)
    headers = tuple(_header(number) for number in range(_POLICIES))
    people = [_person(number, rng) for number in range(max(count // 2, 1))]
    findings = tuple(_finding(number, rng, people, headers) for number in range(count))
    tenant = TenantResult(
        name="contoso",
        tenant_id="7f1a2b3c-0000-4000-8000-000000000001",
        display_name="Contoso Retail",
        cloud=next(iter(Cloud)),
        agreement=next(iter(Agreement)),
        complete=True,
        as_of=AS_OF,
        seats=tuple(_seats(sku) for sku in _PRODUCTS),
        findings=FindingTable.of(findings),
        actions=tuple(_action(header, findings) for header in headers),
    )
    run = Run(
        id="2026-11-20T02:17:00Z-bench",
        as_of=AS_OF,
        policy_digest="sha256:" + "0" * 64,
        policies=headers,
        definitions={},
        tool_version="bench",
        previous=AS_OF - timedelta(days=1),
    )
    return Result(run=run, tenants=(tenant,), fleet=FleetResult(), summary=summarise((tenant,)))


def _header(number: int) -> PolicyHeader:
    return PolicyHeader(
        id=f"policy-{number}",
        title=f"Policy number {number} holds",
        severity=tuple(Severity)[number % len(Severity)],
        rationale="Every seat is used by somebody who may have it.",
        owner="licensing@contoso.example",
        tags=(),
        source=SourceLine(file="policies/bench.yaml", line=number + 1),
        spec={},
    )


def _person(number: int, rng: random.Random) -> tuple[Subject, dict[str, object]]:
    name = f"{rng.choice(_FIRST)} {rng.choice(_LAST)} {number}"
    key = md5(str(number).encode(), usedforsecurity=False).hexdigest()
    subject = Subject(type=SubjectType.USER, id=f"{key[:8]}-{key[8:12]}-4000-8000-{key[12:24]}", name=name)
    seen = AS_OF - timedelta(minutes=rng.randrange(600_000))
    path = {"assignedByGroup": None, "state": "Active", "error": "None", "groupName": None}
    return subject, {
        "userPrincipalName": f"user{number}@contoso.example",
        "accountEnabled": rng.random() > 0.1,
        "userType": "Member",
        "department": rng.choice(_DEPARTMENTS),
        "usageLocation": rng.choice(("NL", "DE", "TR", "SE")),
        "createdDateTime": "2022-06-04T02:17:00Z",
        "lastSignInDateTime": seen.isoformat().replace("+00:00", "Z"),
        "assignedLicenses": [rng.choice(_PRODUCTS)[1]],
        "paths": [path if rng.random() < 0.5 else {**path, "groupName": f"LIC-{rng.randrange(30)}"}],
    }


def _finding(
    number: int, rng: random.Random, people: list[tuple[Subject, dict[str, object]]], headers: tuple[PolicyHeader, ...]
) -> Finding:
    subject, facts = people[number % len(people)]
    header = headers[min(int(rng.paretovariate(0.7)) - 1, _POLICIES - 1)]
    sku = rng.choice(_PRODUCTS)
    return Finding(
        fingerprint=md5(f"{number}".encode(), usedforsecurity=False).hexdigest(),
        policy=header.id,
        check=rng.choice(_CHECKS),
        severity=header.severity,
        status=Status.WAIVED if rng.random() < 0.02 else Status.OPEN,
        waiver="W-1",
        change=Change.NEW if rng.random() < 0.05 else Change.UNCHANGED,
        subject=subject,
        product=ProductReference(sku_id=sku[0], sku_part_number=sku[1]),
        evidence=facts,
        money=Money(currency="EUR", per_month=_PRICES[sku[0]]),
        source=header.source,
        guidance="remove-licenses",
    )


def _seats(sku: tuple[str, str, str]) -> SeatCount:
    return SeatCount(
        sku_id=sku[0],
        sku_part_number=sku[1],
        name=sku[2],
        applies_to="User",
        capability_status="Enabled",
        enabled=1000,
        warning=0,
        suspended=0,
        locked_out=0,
        consumed=900,
        usable=1000,
        spare=100,
    )


def _action(header: PolicyHeader, findings: tuple[Finding, ...]) -> Action:
    own = tuple(finding for finding in findings if finding.policy == header.id)
    concern = Concern(
        worst=header.severity,
        people=len({finding.subject.id for finding in own}),
        names=tuple(finding.subject.name for finding in own[:3]),
        policies=(header.id,),
    )
    return Action(
        id=f"act-{header.id}",
        guidance="remove-licenses",
        findings=tuple(finding.fingerprint for finding in own),
        concern=concern,
        title=f"Remove licences for {header.title}",
        role="License Administrator",
        steps=("Open the Microsoft 365 admin centre.", "Take the licence away."),
        order="reassign",
        money=Money(currency="EUR", per_month=Decimal(100)),
    )


def written(result: Result, format: str, to: Path) -> dict[str, float]:  # noqa: A002 - the name of the option
    """Write a result in one format to a file, and return the measurements.

    This process must not have written any format before: imports of renderers and compiling templates are included.
    Memory is the peak above the memory of the result.
    """
    gc.disable()  # as the command does while it writes reports
    before = measurement.reset_peak()
    started, cpu = time.perf_counter(), time.process_time()
    size = 0
    with to.open("wb") as file:
        for chunk in render(result, format, locale="en"):
            size += file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    seconds = time.perf_counter() - started
    return {
        "seconds": round(seconds, 2),
        "of them computing": round(time.process_time() - cpu, 3),
        "MB above the result": measurement.peak() - before,
        "MB written": round(size / 1e6, 2),
    }


def shown(page: Path) -> float | None:
    """Return the seconds from opening a page until its table is displayed; None without a browser."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.goto(page.resolve().as_uri(), wait_until="commit")
        tab.wait_for_selector("#all:not([hidden]) tr[data-item]", state="attached")
        seconds = tab.evaluate("performance.getEntriesByName('findings')[0].startTime") / 1000
        browser.close()
    return round(float(seconds), 2)


def measure(_users: int, rounds: int) -> list[Row]:
    """Write and open the HTML report; writing is measured in CPU time, which does not depend on other programs.

    Each measurement runs in a process that has not rendered before.
    """
    rows: list[Row] = []
    for count, writing, opening in ((1_000, None, None), (50_000, 1.0, 1.0), (500_000, None, 4.0)):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "report.html"
            readings = [module("report", str(count), "html", str(page)).readings for _ in range(rounds)]
            opened = [shown(page) for _ in range(rounds)]
            size = page.stat().st_size / 1000
        title = f"`report.html` of {count:,} findings"
        if opening is None:
            rows.append(Row(what=f"{title}: its size", measured=f"{size:.0f} kB", bar=at_most(size, 400, " kB")))
            continue
        cpu = [reading["of them computing"] for reading in readings]
        peak = max(reading["MB above the result"] for reading in readings)
        rows += [
            Row(
                what=f"{title}: from the result at hand to the file, CPU",
                measured=f"{spread(cpu, 2)} s",
                bar=at_most(median(cpu), writing, " s"),
            ),
            Row(
                what=f"{title}: memory above the result",
                measured=f"{peak} MB",
                bar=at_most(peak, 150 if writing else None, " MB"),
            ),
        ]
        seconds = [reading for reading in opened if reading is not None]
        if seconds:
            what = f"{title}: opened in Chromium until the table is shown"
            rows.append(Row(what=what, measured=f"{spread(seconds, 2)} s", bar=at_most(median(seconds), opening, " s")))
    return rows


if __name__ == "__main__":
    print(json.dumps(written(large(int(sys.argv[1])), sys.argv[2], Path(sys.argv[3]))))
