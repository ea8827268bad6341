"""A realistic run over two tenants, for the tests of all reports and comparisons."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import Any

from msgspec.structs import replace

from auditor.domain.actions.action import Action, Link
from auditor.domain.enums import Agreement, Cloud, Outcome, Severity, Source, SourceStatus, Status, SubjectType
from auditor.domain.message import Message
from auditor.domain.money import Money
from auditor.domain.result.finding import Finding, ProductReference, SourceLine, Subject
from auditor.domain.result.model import (
    Coverage,
    FleetResult,
    Notice,
    PolicyHeader,
    PolicyOutcome,
    Result,
    Run,
    SeatBounds,
    SeatCount,
    Subscription,
    TenantResult,
)
from auditor.findings.table import FindingTable
from auditor.result.aggregate import summarise
from auditor.result.diff import compare
from tests.builders.result.seat_usage import CONTOSO_DEPARTMENTS, FABRIKAM_DEPARTMENTS, Sku, contoso_usage

AS_OF = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
YESTERDAY = datetime(2026, 11, 19, 2, 16, tzinfo=UTC)

E3 = ("05e9a617-0261-4cee-bb44-138d3ef5d965", "SPE_E3", "Microsoft 365 E3", "35.70")
E5 = ("06ebc4ee-1bb5-47dd-8120-11324bc54e06", "SPE_E5", "Microsoft 365 E5", "54.75")
F3 = ("66b55226-6b4f-492c-910c-a3b7a3c9d993", "SPE_F1", "Microsoft 365 F3", "7.50")
COPILOT = ("639dec6b-bb19-468b-871c-c5c441c4b0cb", "Microsoft_365_Copilot", "Microsoft 365 Copilot", "28.10")
VISIO = ("c5928f49-12ba-48f7-ada3-0d743a3601d5", "VISIOCLIENT", "Visio Plan 2", "13.10")
POWER_BI = ("f8a1db68-be16-40ed-86d5-cb42ce701560", "POWER_BI_PRO", "Power BI Pro", "9.40")
TEAMS = ("989a1621-93bc-4be0-835c-fe30171d6463", "Microsoft_Teams_Premium", "Teams Premium", None)
FLOW = ("f30db892-07e9-47e9-837c-80727f46fd3d", "FLOW_FREE", "Microsoft Power Automate Free", None)
P2 = ("84a661c4-e949-4bd2-a560-ed7766fcaf2b", "AAD_PREMIUM_P2", "Microsoft Entra ID P2", "8.20")

DIRECT = {"assignedByGroup": None, "state": "Active", "error": "None"}
BY_GROUP = {"assignedByGroup": "c0ffee00-77aa-4b1d-9d31-5f0a7e2b6c11", "state": "Active", "error": "None"}


def header(policy: str, severity: Severity, title: str, rationale: str, line: int, **spec: Any) -> PolicyHeader:
    return PolicyHeader(
        id=policy,
        title=title,
        severity=severity,
        rationale=rationale,
        owner="licensing@contoso.example",
        tags=("cost",),
        source=SourceLine(file=f"policies/{spec.pop('file', 'people')}.yaml", line=line),
        spec={"id": policy, "title": title, "severity": severity.value, **spec},
    )


POLICIES = (
    header("assignment-errors", Severity.CRITICAL, "Licence assignments succeed", "An assignment error leaves somebody without the services they were promised.", 4, file="health", health={"errors": "deny"}),
    header("copilot-in-use", Severity.HIGH, "A Copilot seat is used every month", "Copilot is the dearest add-on we buy; an idle seat goes to the next on the list.", 31, users={"holds": ["Microsoft_365_Copilot"], "inactiveFor": "30d"}, assignments={"deny": ["Microsoft_365_Copilot"]}),
    header("e3-spare", Severity.MEDIUM, "Keep 5 spare E3 seats, never more than 5 %", "New people start on Mondays and need a seat the same day.", 12, file="seats", seats={"of": ["SPE_E3"], "spare": {"min": 5, "max": "5%"}}),
    header("entra-p2-coverage", Severity.MEDIUM, "People with privileged roles hold Entra ID P2", "", 71, assignments={"require": ["AAD_PREMIUM_P2"]}),
    header("fleet-balance", Severity.LOW, "Seats lie where they are needed", "One tenant must not buy what another leaves idle.", 40, file="seats", balance={"spare": {"min": 0, "max": 20}}),
    header("frontline-f3", Severity.HIGH, "Frontline staff work on Microsoft 365 F3", "F3 covers what stores use; E5 costs seven times as much.", 18, users="frontline", assignments={"allow": ["SPE_F1", "free"], "require": ["SPE_F1"]}),
    header("leavers", Severity.HIGH, "Blocked accounts hold no paid licence", "A leaver's seat costs the same as a colleague's.", 25, users={"accountEnabled": False}, assignments={"of": "paid", "allow": []}),
    header("no-redundant", Severity.MEDIUM, "Nobody holds a product inside another", "Visio's web app is part of what E5 already gives.", 44, assignments={"redundant": "deny"}),
    header("renewals", Severity.MEDIUM, "Renewals are seen 60 days ahead", "After the date it renews at the full number of seats.", 6, file="subscriptions", subscriptions={"expiring": {"within": "60d"}}),
    header("seats-not-overdrawn", Severity.CRITICAL, "No product is over-assigned", "Over-assigned seats lose their services without a warning.", 5, file="seats", seats={"spare": {"min": 0}}),
    header("trial-purchases", Severity.LOW, "No self-service trials", "", 52, file="seats", purchases={"trials": "deny"}),
    header("usage-location", Severity.INFO, "Licensed people have a usage location", "Without one, group-based licensing fails.", 60, attributes={"require": ["usageLocation"]}),
)  # fmt: skip
BY_ID = {policy.id: policy for policy in POLICIES}


def fingerprint(*parts: str | None) -> str:
    return sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()[:32]


def finding(tenant: str, policy: str, check: str, subject: Subject, *, sku: Sku | None = None, **more: Any) -> Finding:
    rule = BY_ID[policy]
    price = more.pop("price", sku[3] if sku is not None else None)
    product = more.pop("product", None)
    if product is None and sku is not None:
        product = ProductReference(sku_id=sku[0], sku_part_number=sku[1])
    return Finding(
        fingerprint=fingerprint(tenant, policy, check, subject.id, sku[0] if sku else None, more.get("detail")),
        policy=policy,
        check=check,
        severity=rule.severity,
        status=more.pop("status", Status.OPEN),
        subject=subject,
        source=rule.source,
        product=product,
        money=None if price is None else Money(currency="EUR", per_month=Decimal(price)),
        **more,
    )


_PEOPLE = (
    ("Anouk de Vries", "Store"), ("Bram Jansen", "Store"), ("Çağla Yılmaz", "Warehouse"), ("Daan Bakker", "Finance"),  # noqa: RUF001
    ("Elif Şahin", "Sales"), ("Freja Nørgaard", "Store"), ("Gijs van den Berg", "IT"), ("Hanne Sørensen", "Sales"),
    ("Ingrid Åkesson", "Warehouse"), ("Joost Visser", "Finance"), ("Käthe Lindström", "Marketing"), ("Lotte Smit", "HR"),
)  # fmt: skip


def person(index: int) -> tuple[Subject, dict[str, Any]]:
    name, department = _PEOPLE[index % len(_PEOPLE)]
    number = "" if index < len(_PEOPLE) else str(index // len(_PEOPLE) + 1)
    address = f"{name.split(maxsplit=1)[0].lower()}{number}@contoso.example"
    subject = Subject(
        type=SubjectType.USER, id=f"00000000-0000-4000-8000-{index:012d}", name=f"{name} {number}".strip()
    )
    facts = {
        "userPrincipalName": address, "accountEnabled": True, "userType": "Member", "department": department,
        "usageLocation": "NL",
    }  # fmt: skip
    return subject, facts


def seats(
    sku: Sku, enabled: int, consumed: int, *, warning: int = 0, applies_to: str = "User", most: int | None = None
) -> SeatCount:
    usable = enabled + warning
    bounds: list[SeatBounds] = []
    if sku != FLOW and applies_to == "User":
        bounds.append(SeatBounds(policy="seats-not-overdrawn", usable=usable, minimum=0, maximum=None))
    if most is not None:
        bounds.append(SeatBounds(policy="e3-spare", usable=usable, minimum=5, maximum=most))
    return SeatCount(
        sku_id=sku[0], sku_part_number=sku[1], name=sku[2], applies_to=applies_to, capability_status="Enabled",
        enabled=enabled, warning=warning, suspended=0, locked_out=0, consumed=consumed, usable=usable,
        spare=usable - consumed, bounds=tuple(bounds),
    )  # fmt: skip


def seat_evidence(count: SeatCount, **more: Any) -> dict[str, Any]:
    return {
        "enabled": count.enabled, "warning": count.warning, "suspended": 0, "lockedOut": 0, "consumed": count.consumed,
        "usable": count.usable, "spare": count.spare, **more,
    }  # fmt: skip


CONTOSO_SEATS = (
    seats(E3, 620, 541, most=31), seats(E5, 180, 177), seats(F3, 400, 396), seats(COPILOT, 60, 60),
    seats(VISIO, 25, 27), seats(POWER_BI, 90, 71, warning=10), seats(TEAMS, 40, 12), seats(FLOW, 10000, 311),
    seats(P2, 1, 0, applies_to="Company"),
)  # fmt: skip


def subscription(key: str, sku: Sku, seats: int, date: str, *, status: str = "Enabled") -> Subscription:
    return Subscription(
        id=key, sku_id=sku[0], sku_part_number=sku[1], name=sku[2], status=status, total_licenses=seats, is_trial=sku == TEAMS,
        next_lifecycle_date_time=datetime.fromisoformat(date),
    )  # fmt: skip


CONTOSO_SUBSCRIPTIONS = (
    subscription("1a70", E5, 180, "2027-06-30T00:00:00Z"),
    subscription("2b11", TEAMS, 40, "2027-01-18T00:00:00Z"),
    subscription("3f02", E3, 620, "2027-06-30T00:00:00Z"),
    subscription("4c1e", POWER_BI, 90, "2026-12-14T00:00:00Z", status="Warning"),
    subscription("5d9b", F3, 400, "2029-03-01T00:00:00Z"),
    subscription("6e44", VISIO, 5, "2026-09-01T00:00:00Z", status="Deleted"),
)


def product(sku: Sku) -> Subject:
    return Subject(type=SubjectType.PRODUCT, id=sku[0], name=sku[2])


def contoso_findings() -> Iterator[Finding]:
    for index, error in ((2, "CountViolation"), (8, "MutuallyExclusiveViolation"), (9, "CountViolation")):
        subject, facts = person(index)
        yield finding("contoso", "assignment-errors", "assignment.error", subject, sku=VISIO, price=None,
                      detail=f"{error}@6f0c7d2e-9a51-4a77-8e6b-0d3fb1c2a111", guidance="fix-assignment-errors",
                      evidence={**facts, "error": error, "paths": [{"assignedByGroup": "6f0c7d2e-9a51-4a77-8e6b-0d3fb1c2a111", "state": "Error", "error": error}]})  # fmt: skip
    yield finding("contoso", "seats-not-overdrawn", "seats.over-assigned", product(VISIO), sku=VISIO, price=None,
                  guidance="buy-seats", evidence=seat_evidence(CONTOSO_SEATS[4], bound=None, minimum="0", maximum=None, adjust=2))  # fmt: skip
    for index in range(14):
        subject, facts = person(index + 20)
        yield finding("contoso", "copilot-in-use", "assignment.denied", subject, sku=COPILOT, guidance="remove-licenses",
                      evidence={**facts, "lastSignInDateTime": f"2026-0{index % 6 + 3}-1{index % 9}T08:31:00Z", "lastNonInteractiveSignInDateTime": f"2026-0{index % 6 + 2}-03T11:00:00Z", "paths": [DIRECT]})  # fmt: skip
    for index in (0, 1, 5):
        subject, facts = person(index)
        waived = index == 5
        yield finding("contoso", "frontline-f3", "assignment.not-allowed", subject, sku=E5, guidance="swap-licenses",
                      status=Status.WAIVED if waived else Status.OPEN, waiver="W-2026-014" if waived else None,
                      evidence={**facts, "paths": [DIRECT, BY_GROUP]})  # fmt: skip
        yield finding("contoso", "frontline-f3", "assignment.missing", subject, price=None, guidance="assign-licenses",
                      product=ProductReference(sku_id=None, sku_part_number="SPE_F1"), evidence=facts)  # fmt: skip
    for index in range(37):
        subject, facts = person(index + 60)
        sku = (E3, E3, E5, POWER_BI)[index % 4]
        yield finding("contoso", "leavers", "assignment.not-allowed", subject, sku=sku, guidance="remove-licenses",
                      evidence={**facts, "accountEnabled": False, "paths": [DIRECT] if index % 3 else [BY_GROUP]})  # fmt: skip
    yield finding("contoso", "e3-spare", "seats.above-maximum", product(E3), sku=E3, price="1713.60", guidance="reduce-seats",
                  evidence=seat_evidence(CONTOSO_SEATS[0], bound="5%", minimum="5", maximum="5%", adjust=-48))  # fmt: skip
    subject, facts = person(10)
    yield finding("contoso", "no-redundant", "assignment.redundant", subject, sku=POWER_BI, detail="SPE_E5",
                  guidance="remove-licenses", evidence={**facts, "paths": [DIRECT]})  # fmt: skip
    yield finding("contoso", "renewals", "subscription.expiring",
                  Subject(type=SubjectType.SUBSCRIPTION, id="4c1e", name="Power BI Pro"), sku=POWER_BI, price="268.84",
                  guidance="renew-or-cancel", evidence={"status": "Warning", "nextLifecycleDateTime": "2026-12-14T00:00:00Z", "totalLicenses": 90, "isTrial": False})  # fmt: skip
    yield finding("contoso", "trial-purchases", "purchase.trial", product(TEAMS), sku=TEAMS, guidance="review-purchase",
                  evidence={"usable": 40, "consumed": 12, "isTrial": True})  # fmt: skip
    subject, facts = person(11)
    yield finding("contoso", "usage-location", "attribute.missing", subject, detail="usageLocation",
                  guidance="set-attribute", evidence={**facts, "usageLocation": None})  # fmt: skip


def outcomes(
    findings: tuple[Finding, ...], unknown: dict[str, tuple[str, tuple[str, ...]]]
) -> tuple[PolicyOutcome, ...]:
    rows = []
    for policy in POLICIES:
        if policy.id == "fleet-balance":
            continue
        matching = [item for item in findings if item.policy == policy.id]
        status = Outcome.PASS
        if policy.id in unknown:
            status = Outcome.NOT_EVALUATED
        elif any(item.status is Status.OPEN for item in matching):
            status = Outcome.FAIL
        elif matching:
            status = Outcome.WAIVED
        reason, missing = unknown.get(policy.id, (None, ()))
        why = None if reason is None else Message(reason)
        rows.append(PolicyOutcome(id=policy.id, status=status, findings=len(matching), reason=why, missing=missing))
    return tuple(rows)


def order(findings: Iterator[Finding]) -> tuple[Finding, ...]:
    return tuple(
        sorted(findings, key=lambda item: (item.severity.rank, item.policy, item.check, item.subject.id))
    )  # fmt: skip


def coverage(
    name: Source, count: int = 0, status: SourceStatus = SourceStatus.COMPLETE, reason: str | None = None
) -> Coverage:
    read = None if status in {SourceStatus.DENIED, SourceStatus.NOT_NEEDED} else "2026-11-20T02:14:07Z"
    why = None if reason is None else Message(reason)
    return Coverage(name=name, status=status, count=count, read_at=read, reason=why)


@cache
def contoso() -> TenantResult:
    findings = order(contoso_findings())
    reason = "people who hold a privileged role could not be told: AuditLog.Read.All is not granted to the application"
    removal = tuple(item.fingerprint for item in findings if item.policy in {"leavers", "copilot-in-use"})
    return TenantResult(
        name="contoso", tenant_id="11111111-2222-3333-4444-555555555555", cloud=Cloud.WORLDWIDE,
        agreement=Agreement.MCA, complete=False, as_of=datetime(2026, 11, 20, 2, 14, 7, tzinfo=UTC),
        display_name="Contoso Retail B.V.", locale="nl",
        sources=(
            coverage(Source.ORGANIZATION, 1), coverage(Source.SUBSCRIBED_SKUS, 9), coverage(Source.SUBSCRIPTIONS, 11),
            coverage(Source.USERS, 1268),
            coverage(Source.SIGN_IN_ACTIVITY, 0, SourceStatus.DENIED, "Graph answered 403; grant AuditLog.Read.All to the application and consent to it"),
            coverage(Source.MAILBOXES, status=SourceStatus.NOT_NEEDED), coverage(Source.GROUPS, 17), coverage(Source.MEMBERS, 412),
        ),
        seats=CONTOSO_SEATS, subscriptions=CONTOSO_SUBSCRIPTIONS, usage=contoso_usage(E5, COPILOT, E3, F3, VISIO), departments=CONTOSO_DEPARTMENTS,
        policies=outcomes(findings, {"entra-p2-coverage": (reason, ("signInActivity",))}),
        findings=FindingTable.of(findings),
        actions=(
            Action(id="a-1", guidance="remove-licenses", findings=removal, title="Remove licences from 51 people who no longer use them",
                   role="License Administrator", prerequisites=("Check that no mailbox is on litigation hold.",),
                   steps=("Open **Users > Active users** in the Microsoft 365 admin center.", "Select the people listed, choose **Manage product licenses**.", "Clear the products listed and save."),
                   warnings=("The mailbox is kept for 30 days after Exchange Online is removed.",),
                   links=(Link(label="Remove licenses from users", address="https://learn.microsoft.com/microsoft-365/admin/manage/remove-licenses-from-users"),),
                   requests=({"method": "POST", "path": "/users/{id}/assignLicense", "body": {"addLicenses": [], "removeLicenses": [E3[0]]}},),
                   money=Money(currency="EUR", per_month=Decimal("1714.30"))),
            Action(id="a-2", guidance="buy-seats", findings=tuple(item.fingerprint for item in findings if item.policy == "seats-not-overdrawn"),
                   title="Buy 2 seats of Visio Plan 2", role="Billing Administrator", steps=("Open **Billing > Your products**.", "Choose **Buy more licenses**.")),
        ),
        notices=(
            Notice(code="waiver.expiring", message=Message("Waiver W-2026-014 lapses in 11 days, on 2026-12-01."), subject="W-2026-014"),
            Notice(code="policy.unknown-product", message=Message("No catalogue knows the product SPE_E4."), subject="SPE_E4"),
        ),
    )  # fmt: skip


@cache
def fabrikam() -> TenantResult:
    return TenantResult(
        name="fabrikam", tenant_id="99999999-2222-3333-4444-555555555555", cloud=Cloud.WORLDWIDE,
        agreement=Agreement.CSP, complete=True, as_of=datetime(2026, 11, 20, 2, 15, tzinfo=UTC),
        display_name="Fabrikam Logistik A/S", locale="da",
        sources=(coverage(Source.SUBSCRIBED_SKUS, 2), coverage(Source.USERS, 88)),
        seats=(seats(E3, 80, 76), seats(F3, 40, 38)), policies=outcomes((), {}), departments=FABRIKAM_DEPARTMENTS,
    )  # fmt: skip


@cache
def result() -> Result:
    """Return the run of the current night, not yet compared with another."""
    imbalance = finding(
        "", "fleet-balance", "balance.imbalance", Subject(type=SubjectType.FLEET, id=E3[0], name=E3[2]), sku=E3,
        price=None, guidance="balance-seats",
        evidence={"short": [{"tenant": "fabrikam", "usable": 80, "consumed": 76, "spare": 4}],
                  "excess": [{"tenant": "contoso", "usable": 620, "consumed": 541, "spare": 79}]},
    )  # fmt: skip
    tenants = (contoso(), fabrikam())
    fleet = FleetResult(
        policies=(PolicyOutcome(id="fleet-balance", status=Outcome.FAIL, findings=1),),
        findings=FindingTable.of((imbalance,)),
    )
    return Result(
        run=Run(
            id="2026-11-20T02:17:00Z-6f2d", as_of=AS_OF, policy_digest=f"sha256:{'ab12' * 16}", policies=POLICIES,
            definitions={"prices": {"currency": "EUR"}}, tool_version="0.1.0",
        ),
        tenants=tenants, fleet=fleet, summary=summarise(tenants, fleet),
    )  # fmt: skip


@cache
def night_before() -> Result:
    """Return the previous run: without the over-assigned seats, with two findings that are gone now, and one waived."""
    now = result()
    tenant = now.tenants[0]
    kept = tuple(item for item in tenant.findings if item.policy != "seats-not-overdrawn")
    subject, facts = person(99)
    gone = (
        finding("contoso", "leavers", "assignment.not-allowed", subject, sku=E5, guidance="remove-licenses",
                evidence={**facts, "accountEnabled": False}),
        finding("contoso", "entra-p2-coverage", "assignment.missing", subject, price=None,
                product=ProductReference(sku_id=None, sku_part_number="AAD_PREMIUM_P2"), evidence=facts),
    )  # fmt: skip
    waived = tuple(
        replace(item, status=Status.WAIVED, waiver="W-2026-002") if item.policy == "no-redundant" else item
        for item in kept
    )
    tenants = (replace(tenant, findings=FindingTable.of(order(iter((*waived, *gone))))), now.tenants[1])
    return replace(
        now, run=replace(now.run, id="before", as_of=YESTERDAY), tenants=tenants, summary=summarise(tenants, now.fleet)
    )


def compared() -> Result:
    """Return the run compared with the one of the night before."""
    return compare(result(), night_before())
