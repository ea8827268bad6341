"""Merges saved results of shards or tenants into the result that one run over all of them would have returned."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from auditor.app.audit.pipeline import assemble
from auditor.app.audit.remediation import fleet_with_actions
from auditor.catalogue import Catalogue
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import FleetPast, Notice, Result
from auditor.policy.loader import load
from auditor.result.diff import compared_fleet
from auditor.result.missing_tenants import with_missing_tenants
from auditor.snapshot.manifest import format_instant

_RECOMPUTED = "waiver.unused"


def merge(results: Sequence[tuple[str, Result]], catalogue: Catalogue) -> Result:
    """Merge (name, result) pairs; fleet policies and unused waivers are evaluated again over all tenants.

    Changes of the fleet are reported only if all results were compared with the same previous fleet, because results of
    single shards do not describe all tenants together. Raises UsageError if the results do not belong to one run: they
    have different policies or instants, or the same tenant.
    """
    first_name, first = results[0]
    if len(results) == 1:
        return first
    owners: dict[str, str] = {}
    for name, result in results:
        _require_same_run(first_name, first, name, result)
        for tenant in result.tenants:
            if tenant.name in owners:
                owner = owners[tenant.name]
                raise UsageError(
                    "merge-tenant-twice",
                    Message(
                        "the tenant {name} is in both {owners} and {name2}", name=tenant.name, owners=owner, name2=name
                    ),
                    hint=Message("merge the results of different tenants"),
                )
            owners[tenant.name] = name
    policies = policies_of(first)
    tenants = [
        replace(tenant, notices=tuple(notice for notice in tenant.notices if notice.code != _RECOMPUTED))
        for _, result in results
        for tenant in result.tenants
    ]
    merged = assemble(
        tenants, policies, catalogue, first.run.as_of, unknown_names=_unknown_names(policies, [r for _, r in results])
    )
    merged = replace(merged, fleet=fleet_with_actions(merged, policies))
    past, previous = _fleet_past([result for _, result in results])
    merged = replace(
        merged,
        run=replace(
            merged.run,
            policies=first.run.policies,
            previous=previous,
            redacted=first.run.redacted,
            redaction=first.run.redaction,
        ),
        fleet=merged.fleet
        if past is None
        else compared_fleet(merged.fleet, past, tenants=[tenant.name for tenant in merged.tenants]),
    )
    # With unconfirmed findings, `past` also has tenants of older runs.
    return merged if past is None or past.unconfirmed else with_missing_tenants(merged, past.tenants, previous)


def _fleet_past(results: Sequence[Result]) -> tuple[FleetPast | None, datetime | None]:
    """Return the fleet's state in the previous run, or None if the results disagree, and the instant of that run.

    If the results have several previous runs, this is the earliest instant.
    """
    past = results[0].fleet.past
    instants = [result.run.previous for result in results if result.run.previous is not None]
    all_equal = all(result.fleet.past == past for result in results)
    return past if all_equal else None, min(instants, default=None)


def policies_of(result: Result) -> PolicySet:
    """Rebuild the policies that a result was evaluated with; it stores their loaded specification."""
    definitions = result.run.definitions
    document: dict[str, Any] = {"version": 1, "policies": [dict(header.spec) for header in result.run.policies]}
    for key in ("populations", "products", "waivers", "prices", "contracts"):
        if definitions.get(key):
            document[key] = definitions[key]
    policies = load([("result.json", json.dumps(document).encode())], limit_size=False).policies
    sources = {header.id: header.source for header in result.run.policies}
    return replace(
        policies,
        policies=tuple(
            replace(policy, span=replace(policy.span, file=sources[policy.id].file, line=sources[policy.id].line))
            for policy in policies.policies
        ),
        digest=result.run.policy_digest,
        definitions=definitions,
    )


def _require_same_run(first_name: str, first: Result, name: str, result: Result) -> None:
    """Raise UsageError if two results do not belong to one run."""
    one, other = first.run, result.run
    if one.policy_digest != other.policy_digest:
        _require_same_currency(first_name, first, name, result)
    _require_same(Message("policies"), first_name, one.policy_digest, name, other.policy_digest)
    _require_same(Message("instants"), first_name, format_instant(one.as_of), name, format_instant(other.as_of))
    _require_same(Message("versions of the program"), first_name, one.tool_version, name, other.tool_version)
    _require_same_pseudonyms(first_name, first, name, result)


def _require_same(what: Message, one_name: str, one: str, other_name: str, other: str) -> None:
    if one != other:
        raise UsageError(
            "merge-different-runs",
            Message(
                "{one_name} and {other_name} come from different {what}: {one} and {other}",
                one_name=one_name,
                other_name=other_name,
                what=what,
                one=one,
                other=other,
            ),
            hint=Message("merge the shards of one run"),
        )


def _require_same_currency(first_name: str, first: Result, name: str, result: Result) -> None:
    """Raise UsageError if the price lists of two results have different currencies."""
    one, other = policies_of(first).currency, policies_of(result).currency
    if one is not None and other is not None and one != other:
        raise UsageError(
            "merge-different-currencies",
            Message(
                "{one_name} has prices in {one} and {other_name} in {other}; amounts are never converted",
                one_name=first_name,
                one=one,
                other_name=name,
                other=other,
            ),
            hint=Message(
                "merge the results of each currency; `auditor history` shows all tenants of a store, "
                "each in its currency"
            ),
        )


def _require_same_pseudonyms(first_name: str, first: Result, name: str, result: Result) -> None:
    """Raise UsageError if one result has names and the other pseudonyms, or their pseudonyms have different keys."""
    if result.run.redacted is not first.run.redacted:
        hidden, clear = (name, first_name) if result.run.redacted else (first_name, name)
        raise UsageError(
            "merge-different-runs",
            Message("{hidden} has pseudonyms for people and {clear} has their names", hidden=hidden, clear=clear),
            hint=Message("use --redact for every shard, or for the report that merges them"),
        )
    if result.run.redaction != first.run.redaction:
        raise UsageError(
            "merge-different-runs",
            Message(
                "{first_name} and {name} have pseudonyms that were made with different keys",
                first_name=first_name,
                name=name,
            ),
            hint=Message(
                "use the same AUDITOR_REDACT_KEY for every shard, or --redact for the report that merges them"
            ),
        )


def _unknown_names(policies: PolicySet, results: Sequence[Result]) -> list[Notice]:
    """Keep the names in balance policies that are unknown in every shard with a tenant that the policy applies to."""
    notices_by_name: dict[str, Notice] = {}
    known_names: set[str] = set()
    for mention in policies.mentions:
        if not mention.fleet:
            continue
        for result in results:
            tenants = [
                t for t in result.tenants if t.failure is None and (not mention.tenants or t.name in mention.tenants)
            ]
            code = f"policy.unknown-{mention.kind}"
            notices = [n for n in result.fleet.notices if n.code == code and n.subject == mention.name]
            if notices:
                notices_by_name.setdefault(mention.name, notices[0])
            elif tenants:
                known_names.add(mention.name)
    return sorted(
        (notice for name, notice in notices_by_name.items() if name not in known_names),
        key=lambda n: (n.code, n.subject),
    )
