"""The bytes of a result.json into the Result that was saved."""

import gc
from collections.abc import Iterable
from typing import Any, Final

from auditor.domain.enums import (
    Agreement,
    Change,
    Cloud,
    Outcome,
    Severity,
    Source,
    SourceStatus,
    Status,
    SubjectType,
)
from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.redaction import Redaction
from auditor.domain.result import (
    Action,
    BalanceShare,
    Coverage,
    Finding,
    FleetPast,
    FleetResult,
    Link,
    Money,
    Notice,
    PolicyHeader,
    PolicyOutcome,
    ProductReference,
    Result,
    Run,
    SeatBounds,
    SeatCount,
    SourceLine,
    Subject,
    Subscription,
    Summary,
    TenantResult,
)
from auditor.domain.syntax.limits import LARGEST_SUM
from auditor.domain.waiver_share import WaiverShare
from auditor.files import json_document
from auditor.findings.spill import SpillFile
from auditor.findings.table import FindingTable
from auditor.history.finding_reader import FindingReader
from auditor.history.json_reader import DoubtfulNumberError, JsonObject, check_schema, damaged, unique
from auditor.history.tenant_splitter import Body, cut, decoded

_VERSION: Final = 1


def load(body: Body, *, where: str = "result.json", spill: SpillFile | None = None) -> Result:
    """Read a saved result; `where` names the file in errors.

    Tenants are read one after the other; with a `spill` file findings beyond its memory budget are kept there. Keys
    that this version does not know are passed over. Raises SnapshotError for a file that is damaged
    (`result-damaged`), no result at all (`result-foreign`) or written by a newer version (`result-version`).
    """
    collected = gc.isenabled()  # millions of new values, none of them garbage: to look for some doubles the time
    gc.disable()
    try:
        try:
            parts = cut(body)
            if parts is None or len(parts.places) < 2:
                return _result(json_document.quick(body[:]), where, spill)
            return _result(parts.rest, where, spill, parts.tenants(where))
        except (DoubtfulNumberError, SnapshotError, ValueError):
            # What is really wrong, or only unusual, the careful reader tells.
            return _result(decoded(body[:], where), where, spill, carefully=True)
    finally:
        if collected:
            gc.enable()


def _result(
    document: Any, where: str, spill: SpillFile | None, tenants: Iterable[Any] | None = None, *, carefully: bool = False
) -> Result:
    """Read a document; `tenants` are those that were cut out of it, which are several."""
    if not isinstance(document, dict):
        damaged(where, Message("holds no JSON object"))
    root = JsonObject(document, where)
    check_schema(root, where)
    run = _run(root)
    findings = FindingReader(_finding, always=carefully)
    summary = root.part("summary")
    counted = summary.part("open")
    parts = (
        root.parts("tenants")
        if tenants is None
        else (JsonObject(each, where, root, "tenants", place) for place, each in enumerate(tenants))
    )
    read = (_tenant(part, run, FindingReader(_finding, always=carefully), spill) for part in parts)
    return Result(
        run=run,
        tenants=unique(root, "tenants", tuple(read), lambda tenant: tenant.name),
        fleet=_fleet(root.part("fleet"), findings),
        summary=Summary(
            open={severity: counted.count(severity) for severity in Severity},
            waived=summary.count("waived"),
            not_evaluated=summary.count("notEvaluated"),
        ),
    )


def _run(root: JsonObject) -> Run:
    run = root.part("run")
    return Run(
        id=run.text("id"),
        as_of=run.run_instant("asOf"),
        policy_digest=run.text("policyDigest"),
        policies=tuple(map(_header, run.parts("policies"))),
        definitions=run.plain("definitions") if "definitions" in run.values else {},
        tool_version=root.part("tool").text("version"),
        previous=None if run.values.get("previous") is None else run.run_instant("previous"),
        redacted="redacted" in run.values and run.flag("redacted"),
        redaction=_redaction(run.optional_part("redaction")),
    )


def _redaction(part: JsonObject | None) -> Redaction | None:
    return None if part is None else Redaction(key=part.text("key"), stable=part.flag("stable"))


def _header(part: JsonObject) -> PolicyHeader:
    return PolicyHeader(
        id=part.text("id"),
        title=part.name("title"),
        severity=part.word("severity", Severity),
        rationale=part.name("rationale"),
        owner=part.name("owner"),
        tags=part.texts("tags"),
        source=_source(part.part("source")),
        spec=part.plain("spec"),
    )


def _tenant(part: JsonObject, run: Run, findings: FindingReader, spill: SpillFile | None) -> TenantResult:
    return TenantResult(
        name=part.tenant("name"),
        tenant_id=part.name("tenantId"),
        cloud=part.word("cloud", Cloud),
        agreement=part.optional_word("agreement", Agreement) or Agreement.UNKNOWN,
        complete=part.flag("complete"),
        as_of=part.run_instant("asOf") if "asOf" in part.values else run.as_of,
        display_name=part.optional_text("displayName") or "",
        locale=part.optional_text("locale"),
        sources=tuple(map(_coverage, part.parts("sources"))),
        seats=unique(part, "seats", tuple(map(_seats, part.parts("seats"))), lambda seats: seats.sku_id.casefold()),
        subscriptions=tuple(map(_subscription, part.optional_parts("subscriptions"))),
        policies=tuple(map(_outcome, part.parts("policies"))),
        findings=FindingTable.of(findings.read(part, "findings"), spill),
        actions=tuple(map(_action, part.parts("actions"))),
        notices=tuple(map(_notice, part.parts("notices"))),
        fixed=findings.read(part, "fixed") if "fixed" in part.values else (),
        unconfirmed=findings.read(part, "unconfirmed") if "unconfirmed" in part.values else (),
        closed=part.optional_texts("closed"),
        balance=tuple(map(_share, part.optional_parts("balance"))),
        touched_waivers=part.optional_texts("touchedWaivers"),
        failure=part.optional_message("failure"),
    )


def _fleet(part: JsonObject, findings: FindingReader) -> FleetResult:
    past = part.optional_part("past")
    return FleetResult(
        policies=tuple(map(_outcome, part.optional_parts("policies"))),
        findings=FindingTable.of(findings.read(part, "findings")),
        notices=tuple(map(_notice, part.optional_parts("notices"))),
        fixed=findings.read(part, "fixed") if "fixed" in part.values else (),
        unconfirmed=findings.read(part, "unconfirmed") if "unconfirmed" in part.values else (),
        closed=part.optional_texts("closed"),
        actions=tuple(map(_action, part.optional_parts("actions"))),
        past=None if past is None else _past(past, findings),
    )


def _past(part: JsonObject, findings: FindingReader) -> FleetPast:
    return FleetPast(
        findings=findings.read(part, "findings"),
        unconfirmed=findings.read(part, "unconfirmed"),
        closed=part.texts("closed"),
        tenants=part.optional_texts("tenants"),
    )


def _coverage(part: JsonObject) -> Coverage:
    return Coverage(
        name=part.word("name", Source),
        status=part.word("status", SourceStatus),
        count=0 if part.values.get("count", 0) is None else part.count("count"),
        read_at=part.optional_text("readAt"),
        reason=part.optional_message("reason"),
        asked=part.optional_texts("asked"),
    )


def _seats(part: JsonObject) -> SeatCount:
    return SeatCount(
        sku_id=part.text("skuId"),
        sku_part_number=part.name("skuPartNumber"),
        name=part.name("name"),
        applies_to=part.optional_text("appliesTo") or "User",
        capability_status=part.optional_text("capabilityStatus"),
        enabled=part.optional_count("enabled"),
        warning=part.optional_count("warning"),
        suspended=part.optional_count("suspended"),
        locked_out=part.optional_count("lockedOut"),
        consumed=part.optional_count("consumed"),
        usable=part.optional_count("usable", LARGEST_SUM),
        spare=part.optional_count("spare", LARGEST_SUM),
        bounds=tuple(map(_bounds, part.optional_parts("bounds"))),
    )


def _bounds(part: JsonObject) -> SeatBounds:
    return SeatBounds(
        policy=part.text("policy"),
        usable=part.count("usable", LARGEST_SUM),
        minimum=part.optional_count("minimum"),
        maximum=part.optional_count("maximum"),
    )


def _subscription(part: JsonObject) -> Subscription:
    return Subscription(
        id=part.text("id"),
        sku_id=part.name("skuId"),
        sku_part_number=part.name("skuPartNumber"),
        name=part.name("name"),
        status=part.optional_text("status"),
        total_licenses=part.optional_count("totalLicenses"),
        is_trial=part.flag("isTrial") if part.values.get("isTrial") is not None else None,
        next_lifecycle_date_time=part.instant("nextLifecycleDateTime"),
    )


def _outcome(part: JsonObject) -> PolicyOutcome:
    return PolicyOutcome(
        id=part.text("id"),
        status=part.word("status", Outcome),
        findings=part.count("findings"),
        reason=part.optional_message("reason"),
        missing=part.optional_texts("missing"),
        judged=part.optional_count("judged"),
    )


def _finding(part: JsonObject) -> Finding:
    subject = part.part("subject")
    product = part.optional_part("product")
    return Finding(
        fingerprint=part.text("fingerprint"),
        policy=part.text("policy"),
        check=part.text("check"),
        severity=part.word("severity", Severity),
        status=part.word("status", Status),
        subject=Subject(type=subject.word("type", SubjectType), id=subject.text("id"), name=subject.name("name")),
        source=_source(part.part("source")),
        waiver=part.optional_text("waiver"),
        change=part.optional_word("change", Change),
        product=None if product is None else _product(product),
        detail=part.optional_text("detail"),
        evidence=part.plain("evidence"),
        money=_money(part),
        guidance=part.name("guidance"),
    )


def _product(part: JsonObject) -> ProductReference:
    return ProductReference(sku_id=part.optional_text("skuId"), sku_part_number=part.optional_text("skuPartNumber"))


def _money(owner: JsonObject, key: str = "money") -> Money | None:
    money = owner.optional_part(key)
    return None if money is None else Money(currency=money.text("currency"), per_month=money.amount("perMonth"))


def _source(part: JsonObject) -> SourceLine:
    return SourceLine(file=part.text("file"), line=part.count("line"))


def _action(part: JsonObject) -> Action:
    return Action(
        id=part.text("id"),
        guidance=part.text("guidance"),
        findings=part.texts("findings"),
        title=part.text("title"),
        role=part.name("role"),
        prerequisites=part.texts("prerequisites"),
        steps=part.texts("steps"),
        warnings=part.texts("warnings"),
        links=tuple(Link(label=link.text("label"), address=link.text("address")) for link in part.parts("links")),
        next=part.optional_texts("next"),
        checked=part.optional_text("checked") or "",
        requests=tuple(request.whole() for request in part.parts("requests")),
        money=_money(part),
        kind=part.optional_text("kind") or "",
        order=part.optional_text("order") or "",
        count=part.optional_count("count") or 0,
        owner=part.optional_text("owner") or "",
        decided_by=part.optional_text("decidedBy") or "",
        confidence=part.optional_text("confidence") or "",
        irreversible=part.optional_counts("irreversible"),
        before=_money(part, "before"),
        after=_money(part, "after"),
        due=part.optional_date("due"),
        rank=part.optional_count("rank") or 0,
        why=part.optional_text("why") or "",
    )


def _share(part: JsonObject) -> BalanceShare:
    return BalanceShare(
        policy=part.text("policy"),
        sku_ids=part.texts("skuIds"),
        doubtful=part.texts("doubtful"),
        reason=part.optional_message("reason"),
        waivers=tuple(map(_waiver_share, part.parts("waivers"))) if "waivers" in part.values else None,
    )


def _waiver_share(part: JsonObject) -> WaiverShare:
    return WaiverShare(waiver=part.text("waiver"), sku_ids=part.texts("skuIds"), doubtful=part.texts("doubtful"))


def _notice(part: JsonObject) -> Notice:
    return Notice(code=part.text("code"), message=part.message("message"), subject=part.name("subject"))
