"""Loads policy files into one PolicySet, and reports all errors of all files together."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from msgspec import Struct, field

from auditor.domain.enums import Severity
from auditor.domain.errors import Diagnostic, InputError, Level
from auditor.domain.message import Count, Message
from auditor.domain.policy.decision import Decision
from auditor.domain.policy.model import (
    Assignments,
    Attributes,
    Balance,
    Constraint,
    Health,
    Mention,
    Policy,
    PolicySet,
    Reference,
    Waiver,
)
from auditor.domain.policy.selector import EVERYBODY, Licensed, Selector
from auditor.policy.documents import digest_of, read_documents
from auditor.policy.extends import Bases, Extensions
from auditor.policy.nodes import Diagnostics, Node, day
from auditor.policy.references import Names
from auditor.policy.schema.recovery import Gaps
from auditor.policy.sections.constraints import read_constraint
from auditor.policy.sections.contracts import read_contracts
from auditor.policy.sections.decisions import read_decisions
from auditor.policy.sections.prices import read_prices
from auditor.policy.sections.selectors import read_definitions, read_selector
from auditor.policy.yaml.reader import Document


class Loaded(Struct, frozen=True, kw_only=True):
    """A valid policy set, with warnings that a reviewer should check."""

    policies: PolicySet
    documents: tuple[Document, ...]
    mentions: tuple[tuple[Mention, Node], ...]
    """Every product, service and role that the files name, with the node that names it."""
    warnings: tuple[Diagnostic, ...]
    decisions: tuple[Decision, ...] = ()
    extended: frozenset[str] = frozenset()
    """Names of the files that were loaded through `extends`; they are not in `documents`."""
    changed: Mapping[str, str] = field(default_factory=dict)
    """Policy id → the file that changes it under `extends`."""


def load(
    files: Iterable[tuple[str, bytes]],
    *,
    waivers_from: date | None = None,
    schema_checked: bool = False,
    limit_size: bool = True,
    decisions: Iterable[tuple[str, bytes]] = (),
    bases: Bases | None = None,
) -> Loaded:
    """Load policy files as one policy set; `files` are (name, bytes) pairs in any order.

    With `schema_checked`, the files are known to fit the schema, as those that ship with the program, and it is not
    checked. Without `limit_size`, their size is not limited, as for text that was merged from several files of limited
    size. With `waivers_from`, a waiver that runs longer than `defaults: {waiverMaxDays}` from that day is an error too,
    and there is a warning about each waiver and decision that ended before that day.
    `decisions` are files of decisions, which may use the names that the policies define. `bases` finds the files of
    `extends`. Raises InputError with every mistake of every file, in order of file and position.
    """
    gaps = Gaps()
    documents, own_roots, mistakes = read_documents(files, gaps, schema_checked=schema_checked, limit_size=limit_size)
    diagnostics = Diagnostics(items=[*mistakes])
    extensions = Extensions(
        bases=bases, diagnostics=diagnostics, gaps=gaps, loaded=frozenset(document.file for document in documents)
    )
    inherited = extensions.roots(own_roots)
    roots = [*inherited, *own_roots]
    names = Names(diagnostics, gaps, extended=extensions.files)
    for root in roots:
        names.define(root)
    read_definitions(names)
    policies = _policies(roots, names)
    policy_ids = {*(policy.id for policy in policies), *gaps.policies}
    waivers = _waivers(roots, names, policy_ids, waivers_from, complete=not gaps.anything)
    _warn_ineffective(roots, names, {policy.id: policy for policy in policies})
    prices = read_prices(roots, names)
    contracts, currency = read_contracts(roots, names, prices)
    answers = read_decisions(decisions, names, policy_ids, waivers_from, complete=not gaps.anything)
    errors = [item for item in diagnostics.items if item.level is Level.ERROR]
    if errors:
        raise InputError(sorted(dict.fromkeys(errors), key=_sort_key))
    return Loaded(
        policies=PolicySet(
            policies=tuple(sorted(policies, key=lambda policy: policy.id)),
            waivers=tuple(sorted(waivers, key=lambda waiver: waiver.id)),
            prices=prices,
            contracts=contracts,
            currency=currency,
            free=names.free_sets(),
            definitions=_definitions(roots),
            mentions=tuple(dict.fromkeys(mention for mention, _ in names.mentions)),
            digest=digest_of([*(root.document for root in inherited), *documents]),
        ),
        documents=tuple(documents),
        decisions=answers,
        mentions=tuple(names.mentions),
        warnings=tuple(sorted(diagnostics.items, key=_sort_key)),
        extended=frozenset(extensions.files),
        changed=extensions.changed,
    )


def _sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    span = diagnostic.span
    return (span.file, span.line, span.column, diagnostic.slug) if span else ("", 0, 0, diagnostic.slug)


def _policies(roots: list[Node], names: Names) -> list[Policy]:
    policies: dict[str, Policy] = {}
    for root in roots:
        for node in root.each_of("policies"):
            policy = _policy(node, names)
            first = policies.setdefault(policy.id, policy)
            if first is policy:
                continue
            message = Message("the policy id '{id}' is already used", id=policy.id)
            if first.span.file in names.extended:
                hint = Message(
                    "the other one comes from `extends`: change it there in `policies`, or give this one another id"
                )
                names.diagnostics.error("policy-duplicate-id", message, node["id"], hint)
            else:
                names.diagnostics.duplicate("policy-duplicate-id", message, node["id"], first.span)
    return list(policies.values())


def _policy(node: Node, names: Names) -> Policy:
    names.tenants = node.texts("tenants") if node.has("tenants") else None
    names.fleet = node.has("balance")
    constraint = read_constraint(node, names)
    users = read_selector(node["users"], names) if node.has("users") else None
    tenants, names.tenants, names.fleet = names.tenants, None, False
    everyone: Selector = Licensed() if isinstance(constraint, Attributes) else EVERYBODY
    return Policy(
        id=node.text("id"),
        severity=Severity(node.value["severity"]),
        constraint=constraint,
        span=node.span(),
        title=node.text("title"),
        rationale=node.text("rationale"),
        owner=node.text("owner"),
        tags=node.texts("tags"),
        references=tuple(
            Reference(title=item.text("title"), url=item.text("url")) for item in node.each_of("references")
        ),
        frameworks=node.texts("frameworks"),
        report_only=node.text("status") == "report-only",
        tenants=tenants,
        users=users or everyone,
        spec=node.value,
    )


def _waivers(
    roots: list[Node], names: Names, policies: set[str], waivers_from: date | None, *, complete: bool
) -> list[Waiver]:
    """Read the waivers; an unknown policy is an error, unless a file with errors may define it."""
    limits = [
        root["defaults"]["waiverMaxDays"]
        for root in roots
        if root.has("defaults") and root["defaults"].has("waiverMaxDays")
    ]
    limit = min(limits, key=lambda item: int(item.value), default=None)
    waivers: dict[str, Waiver] = {}
    for root in roots:
        for node in root.each_of("waivers"):
            waiver = _waiver(node, names)
            first = waivers.setdefault(waiver.id, waiver)
            if first is not waiver:
                message = Message("the waiver id '{id}' is already used", id=waiver.id)
                names.diagnostics.duplicate("waiver-duplicate-id", message, node["id"], first.span)
            if complete:
                _check_policies(node, names, policies)
            if waivers_from is not None:
                _check_end(waiver, node["expires"], names, waivers_from, limit)
    return list(waivers.values())


def _check_end(waiver: Waiver, node: Node, names: Names, waivers_from: date, limit: Node | None) -> None:
    """Record an error if a waiver runs for more days from a day than `limit`, and a warning if it ended before it."""
    days = (waiver.expires - waivers_from).days
    if limit is not None and days > limit.value:
        hint = Message(
            "let it end within {limit} days, or change `waiverMaxDays` at {file}:{line}",
            limit=Count(limit.value),
            file=limit.span().file,
            line=limit.span().line,
        )
        names.diagnostics.error(
            "waiver-too-long",
            Message(
                "the waiver runs {days} days, longer than the {limit} allowed",
                days=Count(days),
                limit=Count(limit.value),
            ),
            node,
            hint,
        )
    if days < 0:
        names.diagnostics.warning(
            "waiver-expired", waiver.expired_message, node, Message("remove it, or let it end later")
        )


def _check_policies(node: Node, names: Names, policies: set[str]) -> None:
    entries = node["policies"]
    for item in entries.each() if isinstance(entries.value, list) else ():
        if item.value not in policies and item.value != "*":
            names.diagnostics.error(
                "waiver-unknown-policy",
                Message("the waiver is for the policy '{value}', which no file defines", value=item.value),
                item,
                names.diagnostics.hints.did_you_mean(
                    str(item.value), policies, Message("specify a policy that exists, or remove the waiver")
                ),
            )


def _warn_ineffective(roots: list[Node], names: Names, policies: Mapping[str, Policy]) -> None:
    """Record a warning about each waiver with `tenants` or `users` that no finding of its policies can have."""
    for node in (node for root in roots for node in root.each_of("waivers")):
        covered = [policies.get(str(name)) for name in node.value["policies"]]
        blocks = [policy.constraint for policy in covered if policy is not None]
        if len(blocks) < len(covered):
            continue
        if node.has("tenants") and all(isinstance(block, Balance) for block in blocks):
            message = Message(
                "the waiver matches no finding: those of its policies are about tenants together, so it cannot have"
                " `tenants`"
            )
            names.diagnostics.warning("waiver-no-effect", message, node["tenants"], Message("remove `tenants`"))
        if node.has("users") and not any(map(_may_report_users, blocks)):
            message = Message(
                "the waiver matches no finding: those of its policies are not about users, so it cannot have `users`"
            )
            names.diagnostics.warning("waiver-no-effect", message, node["users"], Message("remove `users`"))


def _may_report_users(block: Constraint) -> bool:
    return isinstance(block, Assignments | Attributes) or (isinstance(block, Health) and block.errors)


def _waiver(node: Node, names: Names) -> Waiver:
    policies = node.value["policies"]
    everything = policies == "*" or "*" in policies
    tenants = names.tenants = node.texts("tenants") if node.has("tenants") else None
    users = read_selector(node["users"], names) if node.has("users") else None
    products = names.product_set(node["products"]) if node.has("products") else None
    names.tenants = None
    return Waiver(
        id=node.text("id"),
        policies=None if everything else tuple(str(item) for item in policies),
        reason=node.text("reason"),
        owner=node.text("owner"),
        expires=day(node["expires"], names.diagnostics),
        span=node.span(),
        users=users,
        products=products,
        tenants=tenants,
    )


def _definitions(roots: list[Node]) -> Mapping[str, Any]:
    """Return the definitions that policies refer to in plain values, for a merge of results."""
    definitions: dict[str, Any] = {"populations": {}, "products": {}, "waivers": [], "prices": None}
    for root in roots:
        definitions["populations"].update(root.value.get("populations") or {})
        for name, members in (root.value.get("products") or {}).items():
            earlier = definitions["products"].get(name)
            additions = _as_list(earlier) if name == "free" and earlier else []
            definitions["products"][name] = _as_list(members) + additions
        definitions["waivers"].extend(root.value.get("waivers") or [])
        if root.value.get("contracts"):
            definitions.setdefault("contracts", []).extend(root.value["contracts"])
        if root.has("prices"):
            price_list = definitions["prices"] or {"currency": root["prices"].value["currency"], "perSeatPerMonth": {}}
            price_list["perSeatPerMonth"] = {**price_list["perSeatPerMonth"], **root["prices"].value["perSeatPerMonth"]}
            definitions["prices"] = price_list
    for section in ("waivers", "contracts"):
        definitions.get(section, []).sort(key=lambda item: item["id"])
    return definitions


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
