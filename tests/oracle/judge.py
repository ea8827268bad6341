"""Judges tenants by policy documents, with a catalogue and at an instant; see `judge`."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Literal

from tests.oracle import names, waivers
from tests.oracle.blocks import contracts, people, seats
from tests.oracle.blocks.owned import purchases, subscriptions
from tests.oracle.extent import Extent, extent, products
from tests.oracle.products import plain_names
from tests.oracle.verdict import Catalogue, Claim, Document, FindingKey, Judged, TenantVerdict, Verdict
from tests.oracle.words import audit_instant
from tests.oracle.world import World, bind

BLOCKS: dict[str, Callable[[World, Document], Iterator[Claim]]] = {
    "assignments": people.assignments,
    "attributes": people.attributes,
    "health": people.health,
    "seats": seats.seats,
    "budget": contracts.budget,
    "contracts": contracts.contracts,
    "purchases": purchases,
    "subscriptions": subscriptions,
}


class _Run:
    """The waivers of a run, and which of them were used."""

    def __init__(self, waiver_list: list[Document], as_of: datetime) -> None:
        self.waivers = sorted(waiver_list, key=lambda waiver: str(waiver["id"]))
        self.as_of = as_of
        self.touched: set[str] = set()
        """Waivers that matched a finding, or may match one."""

    def settle(
        self, rule: Document, claims: Iterable[Claim], worlds: list[World], *, fleet: bool = False
    ) -> "_Settled":
        policy = rule["id"]
        unwaived: Literal["open", "report-only"] = "report-only" if rule.get("status") == "report-only" else "open"
        settled = _Settled()
        for claim in claims:
            if claim.truth is None:
                settled.unknown = True
            if claim.truth is not True:
                continue
            matching = []
            for waiver in self.waivers:
                if waivers.expired(waiver, self.as_of):
                    continue
                covered = waivers.covers(waiver, policy, claim, worlds, fleet=fleet)
                if covered is not False:
                    self.touched.add(waiver["id"])
                if covered is True:
                    matching.append(waiver["id"])
                elif covered is None:
                    settled.notices.add(("waiver.unknown", waiver["id"]))
            key = FindingKey(policy, claim.check, *claim.subject, claim.product, claim.detail)
            settled.findings[key] = Judged(status="waived" if matching else unwaived,
                                           waiver=matching[0] if matching else None, evidence=claim.evidence)  # fmt: skip
        return settled


class _Settled:
    """The findings, notices and outcome of one policy in one tenant or in the fleet."""

    def __init__(self) -> None:
        self.findings: dict[FindingKey, Judged] = {}
        self.notices: set[tuple[str, str]] = set()
        self.unknown = False
        self.extent: Extent = (0, True)

    @property
    def judged(self) -> int | None:
        return None if self.unknown else self.extent[0]

    @property
    def no_match(self) -> bool:
        """Whether the policy was evaluated and cannot have judged any subject."""
        return not self.unknown and not self.extent[1]

    @property
    def outcome(self) -> str:
        if self.unknown:
            return "not-evaluated"
        if not self.findings:
            return "pass"
        statuses = {judged.status for judged in self.findings.values()}
        return "fail" if "open" in statuses else "report-only" if "report-only" in statuses else "waived"


def judge(documents: list[Document], tenants: list[Document], as_of: datetime, catalogue: Catalogue) -> Verdict:
    """Judge every tenant and the fleet by all documents taken together."""
    book = bind(documents, catalogue)
    worlds = [World(tenant=tenant, book=book, catalogue=catalogue, now=audit_instant(as_of)) for tenant in tenants]
    run = _Run(book.waivers, as_of)
    settled_by_scope: dict[str, dict[str, _Settled]] = {}
    for world in worlds:
        settled_by_scope[world.name] = {
            policy["id"]: run.settle(policy, _claims(world, policy), [world])
            for policy in book.policies
            if "balance" not in policy and _applies(policy, world)
        }
        for policy in book.policies:
            if policy["id"] in settled_by_scope[world.name]:
                settled_by_scope[world.name][policy["id"]].extent = extent(world, policy)
    fleet, fleet_notices = _fleet(run, book.policies, worlds)
    notices = {world.name: _notices(run, world, book.policies) for world in worlds}
    for waiver in _unused(run, book.policies, worlds, settled_by_scope, fleet):
        for world in worlds:
            if waivers.for_tenant(waiver, world.name):
                notices[world.name].add(("waiver.unused", waiver["id"]))
    return Verdict(tenants={name: _verdict(settled_by_scope[name], notices[name]) for name in settled_by_scope},
                   fleet=_verdict(fleet, fleet_notices))  # fmt: skip


def _applies(policy: Document, world: World) -> bool:
    return "tenants" not in policy or world.name in policy["tenants"]


def _claims(world: World, policy: Document) -> Iterator[Claim]:
    for block, claims in BLOCKS.items():
        if block in policy:
            yield from claims(world, policy)


def _fleet(
    run: _Run, policies: list[Document], worlds: list[World]
) -> tuple[dict[str, _Settled], set[tuple[str, str]]]:
    settled: dict[str, _Settled] = {}
    notices: set[tuple[str, str]] = set()
    for policy in policies:
        judged = [world for world in worlds if "balance" in policy and _applies(policy, world)]
        if not judged:
            continue
        single = len(judged) == 1
        if single:
            notices.add(("balance.single-tenant", policy["id"]))
        claims = [] if single else list(seats.balance(judged, policy))
        settled[policy["id"]] = _Settled()
        for claim in claims:
            holders = [world for world in judged if claim.product and world.product_row(str(claim.product)) is not None]
            claim_result = run.settle(policy, [claim], holders, fleet=True)
            settled[policy["id"]].findings.update(claim_result.findings)
            settled[policy["id"]].notices |= claim_result.notices
            settled[policy["id"]].unknown |= claim_result.unknown
        if not single:
            settled[policy["id"]].extent = products(judged, policy["balance"].get("of", "paid"))
        for name in names.in_policy(policy):
            if not any(names.is_known(world, name) for world in judged):
                notices.add(("policy.unknown-product", name))
    return settled, notices


def _notices(run: _Run, world: World, policies: list[Document]) -> set[tuple[str, str]]:
    notices: set[tuple[str, str]] = set()
    written = list(names.shared(world.book))
    for policy in policies:
        if "balance" not in policy and _applies(policy, world):
            written.extend(names.in_policy(policy))
    for contract in contracts.contracts_of(world):
        written.extend(plain_names(contract["products"]))
    for waiver in run.waivers:
        if not waivers.for_tenant(waiver, world.name):
            continue
        written.extend(names.in_waiver(waiver))
        if waivers.expired(waiver, run.as_of):
            notices.add(("waiver.expired", waiver["id"]))
        elif waivers.expiring(waiver, run.as_of):
            notices.add(("waiver.expiring", waiver["id"]))
    notices |= {("policy.unknown-product", name) for name in written if not names.is_known(world, name)}
    return notices


def _unused(
    run: _Run,
    policies: list[Document],
    worlds: list[World],
    settled_by_scope: dict[str, dict[str, _Settled]],
    fleet: Any,
) -> Iterator[Document]:
    """Waivers that covered no finding although all of their policies were evaluated."""
    present = {world.name for world in worlds}
    for waiver in run.waivers:
        if waiver["id"] in run.touched or waivers.expired(waiver, run.as_of):
            continue
        if not set(waiver.get("tenants", [])) <= present:
            continue
        any_policy = waiver["policies"] == "*" or "*" in waiver["policies"]
        policy_outcomes = [
            _outcomes(waiver, policy["id"], settled_by_scope, fleet)
            for policy in policies
            if waivers.for_policy(waiver, policy["id"])
        ]
        evaluated = any(policy_outcomes) if any_policy else all(policy_outcomes)
        if evaluated and not any("not-evaluated" in outcomes for outcomes in policy_outcomes):
            yield waiver


def _outcomes(waiver: Document, policy: str, settled_by_scope: dict[str, dict[str, _Settled]], fleet: Any) -> list[str]:
    """The outcomes of a policy in the tenants, and the fleet, where the waiver could cover a finding of it."""
    outcomes = [
        settled[policy].outcome
        for tenant, settled in settled_by_scope.items()
        if policy in settled and waivers.for_tenant(waiver, tenant)
    ]
    if policy in fleet and ("tenants" not in waiver or policy in waiver["policies"]):
        outcomes.append(fleet[policy].outcome)
    return outcomes


def _verdict(settled: dict[str, _Settled], notices: set[tuple[str, str]]) -> TenantVerdict:
    findings: dict[FindingKey, Judged] = {}
    for policy_result in settled.values():
        findings |= policy_result.findings
        notices = notices | policy_result.notices
    notices = notices | {
        ("policy.no-match", policy) for policy, policy_result in settled.items() if policy_result.no_match
    }
    return TenantVerdict(
        findings=findings,
        outcomes={policy: policy_result.outcome for policy, policy_result in settled.items()},
        judged={policy: policy_result.judged for policy, policy_result in settled.items()},
        notices=frozenset(notices),
    )
