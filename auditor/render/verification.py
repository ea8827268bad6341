"""Renders the verification of a remediation plan: as JSON, and as sections of text for people."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from auditor.domain.enums import Severity, SubjectType
from auditor.domain.result.model import Result, TenantResult
from auditor.domain.result.verification import (
    ActionVerdict,
    FindingState,
    FindingVerdict,
    SeatDecisionVerdict,
    TenantVerification,
    Verdict,
)
from auditor.findings.display_names import detail_label, product_name
from auditor.render.ci.markdown import escaped_markdown
from auditor.render.static_page import PageSection, text_page
from auditor.render.text.evidence.facts import product_and_set_names
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.render.text.summary import completeness
from auditor.render.text.verification import (
    STATES,
    VERDICTS,
    cause_text,
    execution_text,
    plan_headline,
    renewal_day,
    seat_decisions,
)
from auditor.result.codec.encoder import TOOL, document, members
from auditor.result.ranking import by_urgency

SCHEMA: Final = "auditor/verification/v1"
_NO_FINDING: Final = len(Severity)
"""The rank of actions without a finding, below those of all severities."""


def verification_json(result: Result) -> Iterable[bytes]:
    """Render verification.json: the verification of the plans of a result; equal results give equal bytes."""
    verified = [(tenant, tenant.verification) for tenant in result.tenants if tenant.verification is not None]
    body = document(
        {
            "schema": SCHEMA,
            "tool": {"name": TOOL, "version": result.run.tool_version},
            "asOf": result.run.as_of,
            "policyDigest": result.run.policy_digest,
            "complete": result.complete,
            "summary": {
                "actions": {
                    verdict.value: sum(len(v.actions_with(verdict)) for _, v in verified) for verdict in Verdict
                },
                "findings": {state.value: sum(v.count(state) for _, v in verified) for state in FindingState},
            },
            "tenants": [
                {"name": tenant.name, "tenantId": tenant.tenant_id, "readAt": tenant.as_of, **members(verification)}
                for tenant, verification in verified
            ],
        }
    )
    return (body,)


def verification_markdown(result: Result, *, locale: str) -> Iterable[bytes]:
    """Render verification.md."""
    lines: list[str] = []
    for section in sections(result, Labels(locale)):
        lines += [f"{'#' * section.level} {escaped_markdown(section.title)}", ""]
        for paragraph in section.paragraphs:
            lines += [escaped_markdown(paragraph), ""]
        lines += [f"- {escaped_markdown(item)}" for item in section.lines]
        lines += [""] if section.items else []
    body = ("\n".join(lines).rstrip() + "\n").encode("utf-8", "replace")
    return (body,)


def verification_html(result: Result, *, locale: str) -> Iterable[bytes]:
    """Render verification.html."""
    l10n = Labels(locale)
    return (text_page(sections(result, l10n), title=l10n.gettext("Verification of the plan"), l10n=l10n),)


def sections(result: Result, l10n: Labels, *, most: int | None = None) -> tuple[PageSection, ...]:
    """Return the sections of the document; with `most`, those of so many tenants, and as many items of each list.

    The numbers of the others are included.
    """
    verified = [
        (tenant, tenant.verification) for tenant in by_urgency(result.tenants) if tenant.verification is not None
    ]
    verifications = [verification for _, verification in verified]
    intro = [
        seat_decisions(result, l10n),
        execution_text(verifications, l10n),
        *(() if result.complete else completeness(result, l10n)),
    ]
    head = PageSection(title=plan_headline(verifications, l10n), paragraphs=tuple(filter(None, intro)), level=1)
    details = (section for tenant in verified[:most] for section in _tenant(*tenant, most, l10n))
    more = 0 if most is None else max(0, len(verified) - most)
    text = l10n.plural("{count} more tenant in the reports", "{count} more tenants in the reports", more)
    rest = (PageSection(title=text),) if more else ()
    return (head, *details, *rest)


def _first(lines: Iterable[tuple[str, int]], most: int | None, l10n: Labels) -> tuple[str, ...]:
    """Return the first lines, each given with the number of its items, and how many items the others have."""
    lines = tuple(lines)
    omitted = sum(count for _, count in lines[len(lines[:most]) :])
    return (*(line for line, _ in lines[:most]), *([l10n.more(omitted)] if omitted else []))


def _tenant(
    tenant: TenantResult, verification: TenantVerification, most: int | None, l10n: Labels
) -> Iterator[PageSection]:
    yield PageSection(title=tenant.title, paragraphs=tuple(_money(verification, l10n)))
    names = {finding.subject.id: finding.subject.name for finding in verification.findings}
    ordered = _most_severe_first(verification)
    for verdict in (Verdict.UNKNOWN, Verdict.CHANGED, Verdict.PARTLY, Verdict.NOT, Verdict.DONE):
        actions = [action for action in ordered if action.verdict is verdict]
        if actions:
            title = f"{l10n.gettext('Actions')}: {l10n.gettext(VERDICTS[verdict])} ({l10n.number(len(actions))})"
            items = _first(((_action(action, names, l10n), 1) for action in actions), most, l10n)
            numbers = tuple(action.number for action in actions)[:most]
            yield PageSection(title=title, items=items, numbers=numbers, level=3)
    for state in (*list(FindingState)[1:], FindingState.GONE):
        findings = [finding for finding in verification.findings if finding.state is state]
        if findings:
            title = f"{l10n.gettext(STATES[state])} ({l10n.number(len(findings))})"
            lines = _findings(findings, product_and_set_names(tenant, l10n), l10n)
            yield PageSection(title=title, items=_first(lines, most, l10n), level=3)


def _most_severe_first(verification: TenantVerification) -> list[ActionVerdict]:
    """Return the actions in the order of their worst findings, then of the plan."""
    ranks = {finding.fingerprint: finding.severity.rank for finding in verification.findings}
    return sorted(
        verification.actions,
        key=lambda action: min((ranks.get(name, _NO_FINDING) for name in action.findings), default=_NO_FINDING),
    )


def _money(verification: TenantVerification, l10n: Labels) -> Iterator[str]:
    freed = verification.freed
    if freed.planned or freed.actual:
        yield l10n.gettext(
            "Seats freed and not assigned again: {actual}; planned: {planned}.",
            actual=l10n.number(freed.actual),
            planned=l10n.number(freed.planned),
        )
    for money in freed.money:
        actual, planned = (l10n.money(value, money.currency) for value in (money.actual, money.planned))
        bound = f"{l10n.gettext('at least')} {actual}" if freed.at_least else actual
        yield l10n.gettext("Monthly cost of these seats: {actual}; planned: {planned}.", actual=bound, planned=planned)
    if not verification.same_policies:
        yield l10n.gettext(
            "The policies have changed since the plan: findings may be new or fixed because a policy changed."
        )


def _action(action: ActionVerdict, names: dict[str, str], l10n: Labels) -> str:
    parts = [action.title]
    if action.requests and action.verdict not in {Verdict.DONE, Verdict.NOT}:
        done = l10n.number(action.done)
        parts.append(
            l10n.plural("{done} of {count} request done", "{done} of {count} requests done", action.requests, done=done)
        )
    parts.extend(() if action.decided is None else _decided(action.decided, l10n))
    parts.append(cause_text(action.cause, action.detail, l10n))
    run = action.execution
    if run is not None:
        parts.append(f"{l10n.joined(run.by)}, {l10n.date(run.last)}")
        if run.failed:
            parts.append(l10n.plural("{count} change failed", "{count} changes failed", run.failed))
        if run.skipped:
            parts.append(l10n.plural("{count} change skipped", "{count} changes skipped", run.skipped))
    steps = (step for step in action.steps if action.requests > 1)
    parts.append(_people((names.get(step.subject) or step.subject for step in steps), l10n))
    return "; ".join(filter(None, parts))


def _decided(decided: SeatDecisionVerdict, l10n: Labels) -> Iterator[str]:
    """Yield the numbers of seats (before the plan, decided, today), the day of the renewal, and the decisions."""
    yield l10n.gettext(
        "seats before: {before}, decided: {decided}, now: {now}",
        before=l10n.number(decided.enabled_before),
        decided=l10n.number(decided.enabled),
        now=l10n.gettext("unknown") if decided.actual is None else l10n.number(decided.actual),
    )
    yield "" if decided.due is None else renewal_day(decided.due, l10n)
    yield l10n.gettext("decision {id}", id=l10n.joined(decided.decisions))


_NAMED: Final = 5
"""People who are named per action, or per line of findings."""


def _people(names: Iterable[str], l10n: Labels) -> str:
    return l10n.first_people(tuple(dict.fromkeys(names)), _NAMED)


def _findings(
    findings: Iterable[FindingVerdict], products: Mapping[str, str], l10n: Labels
) -> Iterator[tuple[str, int]]:
    """Yield one line for all findings of a policy that only differ in the subject, with the number of findings."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for finding in findings:
        product = product_name(finding.product, products) or ""
        detail = finding.detail and detail_label(finding.check, finding.detail, products, l10n)
        level = l10n.gettext(SEVERITIES[finding.severity])
        labels = dict.fromkeys(filter(None, (l10n.check(finding.check), product, detail)))
        name = finding.subject.name or finding.subject.id
        group = (finding.subject.type, finding.policy, level, *labels)
        groups.setdefault(group, []).append("" if name in labels else name)
    for (subject, policy, level, *facts), names in groups.items():
        named = tuple(dict.fromkeys(filter(None, names)))
        who = _people(named, l10n) if subject == SubjectType.USER else l10n.first_of(named, _NAMED)
        yield f"{l10n.joined(facts)} ({level}, {policy}){': ' if who else ''}{who}", len(names)
