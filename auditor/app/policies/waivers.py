"""Adds waivers for exactly the specified findings, checked before the file changes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from auditor.app.audit.pipeline import audit
from auditor.app.audit.run import Request, opened_states
from auditor.app.catalogue import active
from auditor.app.policy_files import SCHEMAS, exists, free_id, installed_base, policies_beside, policy_files, read_yaml
from auditor.app.saved_results import Located, findings_with_tenants, of_fingerprint, saved_result
from auditor.domain.enums import Status, SubjectType
from auditor.domain.errors import UsageError
from auditor.domain.message import Count, Message, truncated
from auditor.domain.policy.model import PolicySet, Waiver
from auditor.domain.policy.product_set import Sku
from auditor.domain.policy.selector import Every, OneOf, Selector
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result
from auditor.engine.skus.masks import surely_contains
from auditor.policy.loader import load
from auditor.policy.yaml.writer import block, with_items
from auditor.result.waiver_fields import waiver_id, waiver_products, waiver_user

_PREFIX: Final = 8
"""The minimum number of digits of a fingerprint prefix; the prefix must be unique."""
_MAX_LISTED: Final = 5
_RESULT_HINT: Final = Message("run `auditor audit` first, or specify its result.json with --result, or a --snapshot")
_FLEET_TENANT: Final = ""


class WaiverRequest(Struct, frozen=True, kw_only=True):
    """The options of one call of `auditor waive`."""

    fingerprints: tuple[str, ...]
    until: date
    reason: str
    owner: str | None
    """None for the owner of the policy."""
    file: Path
    policies: tuple[Path, ...] = ()
    """Files and folders; if empty, the folder of `file`, or else the starter library."""
    result: Path | None = None
    snapshots: tuple[Path | str, ...] = ()
    demo: bool = False
    as_of: datetime


class WaiverChange(Struct, frozen=True, kw_only=True):
    """A checked change of a waiver file."""

    text: str
    """The new waivers as YAML."""
    content: bytes
    """The complete file with the new waivers."""
    ids: tuple[str, ...]
    findings: tuple[Finding, ...]


def waive(request: WaiverRequest) -> WaiverChange:
    """Return the waivers for some findings and the content of the updated file, without writing it.

    Raises UsageError if the last day has passed, if a finding is unknown or already waived, or if the waivers match
    other findings too, and InputError if the policies are not valid with them.
    """
    if request.until < request.as_of.date():
        raise UsageError(
            "waiver-past",
            Message("the last day {until} has passed", until=request.until.isoformat()),
            hint=Message("specify a later --until"),
        )
    old = _policy_files(request)
    name = request.file.as_posix()
    current = read_yaml(request.file, None) if exists(request.file) else None
    other_files = [(file, content) for file, content in old if Path(file) != request.file]
    before = load(old, bases=installed_base).policies if old else None
    if before is None or not before.policies:
        raise UsageError(
            "policies-none",
            Message("there are no policies next to {file}", file=name),
            hint=Message("specify them with --policies, or run `auditor init`"),
        )
    result = _audit(request, before) if request.result is None else saved_result(request.result, hint=_RESULT_HINT)
    selected = list(_selected_findings(result, request.fingerprints))
    _check_not_waived(selected, before, request.as_of.date())
    ids = {waiver.id for waiver in before.waivers}
    items = _items(selected, request, before, ids)
    content = _schema_comment(request.file) * (current is None) + with_items(
        current, file=name, key="waivers", items=items
    )
    after = load([*other_files, (name, content)], waivers_from=request.as_of.date(), bases=installed_base).policies
    _check_waived(selected, _newly_waived(request, result, after, items))
    return WaiverChange(
        text=f"waivers:\n{block(items)}",
        content=content,
        ids=tuple(item["id"] for item in items),
        findings=tuple(finding for _, finding in selected),
    )


def _schema_comment(file: Path) -> bytes:
    """Return the first line of a new file: the schema comment for editors, if `init` created the repository."""
    schema = file.parent.parent / SCHEMAS / "policy.v1.json"
    return f"# yaml-language-server: $schema=../{SCHEMAS}/policy.v1.json\n".encode() if exists(schema) else b""


def _policy_files(request: WaiverRequest) -> list[tuple[str, bytes]]:
    """Read the policy files for the waiver, including its own file if that exists."""
    if request.demo and not request.policies:
        from auditor.demo import policies as demo_policies  # noqa: PLC0415  only the demo needs its policies

        return list(demo_policies(request.as_of))
    files = policy_files(policies_beside(request.file, request.policies))
    if exists(request.file) and not any(Path(file) == request.file for file, _ in files):
        files.append((request.file.as_posix(), read_yaml(request.file, None)))
    return files


def _audit(request: WaiverRequest, policies: PolicySet) -> Result:
    audit_request = Request(demo=request.demo, snapshots=request.snapshots, as_of=request.as_of)
    with opened_states(audit_request, policies) as states:
        return audit(states, policies, active(), request.as_of)


def _selected_findings(result: Result, fingerprints: Sequence[str]) -> Iterator[Located]:
    """Yield each specified finding once. Raises UsageError if it is unknown, ambiguous or already waived."""
    if result.run.redaction is not None:
        raise UsageError(
            "waiver-pseudonyms",
            Message("the result has pseudonyms in place of people, which a waiver cannot select"),
            hint=Message("specify a --snapshot, or a result without pseudonyms"),
        )
    all_findings = list(findings_with_tenants(result))
    for digits in dict.fromkeys(fingerprints):
        match = of_fingerprint(all_findings, digits.casefold()) if len(digits) >= _PREFIX else None
        if match is None:
            raise UsageError(
                "finding-unknown",
                Message("no finding has the fingerprint '{digits}'", digits=digits),
                hint=Message("reports show fingerprints; the first {count} digits are enough", count=_PREFIX),
            )
        if match[1].status is Status.WAIVED:
            raise _already_waived(digits, match[1].waiver or "")
        yield match


def _already_waived(digits: str, waiver: str) -> UsageError:
    return UsageError(
        "finding-waived",
        Message("the finding '{digits}' is waived by {waiver}", digits=digits, waiver=waiver),
        hint=Message("change that waiver, or leave the finding out"),
    )


def _check_not_waived(selected: Sequence[Located], policies: PolicySet, today: date) -> None:
    """Raise UsageError if a waiver of the files certainly waives a finding, which may be open in an older result."""
    for tenant, finding in selected:
        for waiver in policies.waivers:
            if today <= waiver.expires and _certainly_waives(waiver, policies, tenant, finding):
                raise _already_waived(finding.fingerprint[:_PREFIX], waiver.id)


def _certainly_waives(waiver: Waiver, policies: PolicySet, tenant: str, finding: Finding) -> bool:
    """Return whether a waiver certainly waives a finding; without a snapshot, only for people that it names."""
    if not waiver.covers(finding.policy) or not waiver.applies_to(tenant):
        return False
    if waiver.users is not None:
        user = {"id": finding.subject.id, "userPrincipalName": finding.evidence.get("userPrincipalName")}
        if finding.subject.type is not SubjectType.USER or not _names(waiver.users, user):
            return False
    if waiver.products is None:
        return True
    product = finding.product
    if product is None or product.sku_id is None:
        return False
    return surely_contains(active(), policies, waiver.products, product.sku_id, product.sku_part_number)


def _names(selector: Selector, user: Mapping[str, Any]) -> bool:
    """Return whether a selector that only names people by id or address matches a user."""
    if isinstance(selector, OneOf):
        value = user.get(selector.property)
        return value is not None and str(value).casefold() in {str(item).casefold() for item in selector.values}
    return isinstance(selector, Every) and bool(selector.parts) and all(_names(part, user) for part in selector.parts)


def _items(
    selected: Sequence[Located], request: WaiverRequest, policies: PolicySet, ids: set[str]
) -> list[dict[str, Any]]:
    """Return one waiver for all selected findings of a tenant, policy and product."""
    owners = {policy.id: policy.owner for policy in policies.policies}
    groups: dict[tuple[object, ...], list[Located]] = {}
    for tenant, finding in selected:
        user = waiver_user(finding)
        key = (tenant, finding.policy, str(waiver_products(finding)), user and user[0])
        groups.setdefault(key, []).append((tenant, finding))
    items = []
    for members in groups.values():
        tenant, first = members[0]
        owner = request.owner or owners.get(first.policy) or ""
        if not owner:
            raise UsageError(
                "waiver-owner",
                Message("the policy '{policy}' has no owner for the waiver", policy=first.policy),
                hint=Message("specify --owner ADDRESS"),
            )
        item: dict[str, Any] = {"id": free_id(waiver_id(first), ids), "policies": [first.policy]}
        users = list(dict.fromkeys(user for _, finding in members if (user := waiver_user(finding)) is not None))
        if users:
            item["users"] = {users[0][0]: [value for _, value in users] if len(users) > 1 else users[0][1]}
        if products := waiver_products(first):
            item["products"] = products
        if tenant != _FLEET_TENANT:
            item["tenants"] = [tenant]
        items.append({**item, "reason": request.reason, "owner": owner, "expires": request.until.isoformat()})
    return items


def _newly_waived(
    request: WaiverRequest, result: Result, after: PolicySet, items: Sequence[Mapping[str, Any]]
) -> set[str]:
    """Return the open findings of a result that the new waivers waive, or may waive if the result was saved.

    The same state is audited again with them. For a saved result, a product set is assumed to contain every product of
    its policy.
    """
    open_fingerprints = {f.fingerprint for _, f in findings_with_tenants(result) if f.status is not Status.WAIVED}
    if request.result is None:
        findings = findings_with_tenants(_audit(request, after))
        return open_fingerprints & {f.fingerprint for _, f in findings if f.status is Status.WAIVED}
    by_id = {waiver.id: waiver for waiver in after.waivers}
    matched: set[str] = set()
    for item in items:
        products = by_id[item["id"]].products
        single = products is not None and all(isinstance(element, Sku) for element in products.elements)
        matched |= {
            f.fingerprint for tenant, f in findings_with_tenants(result) if _matches(item, tenant, f, single=single)
        }
    return matched & open_fingerprints


def _matches(item: Mapping[str, Any], tenant: str, finding: Finding, *, single: bool) -> bool:
    if finding.policy not in item["policies"] or item.get("tenants", [_FLEET_TENANT]) != [tenant]:
        return False
    if "users" in item:
        ((key, values),) = item["users"].items()
        value = finding.subject.id if key == "id" else finding.evidence.get("userPrincipalName")
        user_names = [name.casefold() for name in ([values] if isinstance(values, str) else values)]
        if finding.subject.type is not SubjectType.USER or str(value).casefold() not in user_names:
            return False
    if "products" not in item:
        return True
    return finding.product is not None and (not single or waiver_products(finding) == item["products"])


def _check_waived(selected: Sequence[Located], waived: set[str]) -> None:
    """Raise UsageError unless exactly the selected findings are waived."""
    selected_fingerprints = {finding.fingerprint for _, finding in selected}
    if missing := sorted(selected_fingerprints - waived):
        raise UsageError(
            "waiver-narrow",
            Message("no waiver can match the finding {finding} alone", finding=missing[0][:_PREFIX]),
            hint=Message("write a waiver by hand, and audit with it"),
        )
    if other_findings := sorted(waived - selected_fingerprints):
        listed = ", ".join(truncated((fingerprint[:_PREFIX] for fingerprint in other_findings), _MAX_LISTED))
        raise UsageError(
            "waiver-wide",
            Message(
                "the waiver would also waive {count} other findings: {listed}",
                count=Count(len(other_findings)),
                listed=listed,
            ),
            hint=Message(
                "a waiver selects findings by policies, people, products and tenants: it cannot "
                "exclude these findings, so waive all of them or none"
            ),
        )
