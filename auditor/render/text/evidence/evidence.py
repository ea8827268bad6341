"""Describes the evidence of a finding in one line of text."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from re import sub
from typing import Any, Final

from auditor.checks.check import Detail
from auditor.checks.registry import detail_of, known_check
from auditor.domain.actions.seat_movement import SeatMovement
from auditor.domain.result.finding import Finding
from auditor.domain.translation import N_, NN_
from auditor.findings.display_names import product_title
from auditor.findings.facts import SEAT_FACTS, SIGN_INS, last_sign_in
from auditor.render.text.evidence.contracts import contract_facts, purchase
from auditor.render.text.evidence.facts import AssignmentPath, assignment_paths
from auditor.render.text.evidence.people import ACCESS, USAGE, access_parts, mappings, missing_seats, usage_parts
from auditor.render.text.labels import Labels

_SUBJECT_FACTS: Final = frozenset(
    {
        *("userPrincipalName", "accountEnabled", "userType", "mailboxType", "department", "usageLocation", "paths"),
        *("onPremisesSyncEnabled", "createdDateTime", "assignedLicenses", "error", *SIGN_INS),
    }
)
"""Facts that are described before the others; most findings about users have only these."""
_USAGE_AND_ACCESS: Final = USAGE | ACCESS
_PERSON_FACTS: Final = _USAGE_AND_ACCESS | (
    _SUBJECT_FACTS - {"userPrincipalName", "onPremisesSyncEnabled", "createdDateTime", "assignedLicenses"}
)
_SUBSCRIPTION_FACTS: Final = frozenset({"isTrial", "totalLicenses", "nextLifecycleDateTime", "status"})
_GROUP_FACTS: Final = frozenset(
    {
        *("hasMembersWithLicenseErrors", "licenseProcessingState", "nestedGroups", "membershipRuleProcessingState"),
        "memberCount",
    }
)
DESCRIBED_FACTS: Final = frozenset(
    {
        *SEAT_FACTS,
        *("bound", "minimum", "maximum", "boundsConflict", "short", "excess", "appliesTo", "capabilityStatus"),
        *("assigned", "needed", "missingProduct", "purchased", "contractSeats", "contracts", "ends"),
        *("lastDayOfNotice", "renews", "term", "seller", "pricePerSeat", "priceFrom"),
        *(
            "trial",
            "neededAfterTrials",
            "limit",
            "total",
            "lowerBound",
            "unpriced",
            "commerceSubscriptionId",
            "ownerTenantId",
        ),
    }
).union(_SUBJECT_FACTS, _SUBSCRIPTION_FACTS, _GROUP_FACTS, _USAGE_AND_ACCESS)
"""Facts that have their own sentence, or that only programs need; the other formats contain all facts."""
_NUMBERS: Final = frozenset({int, float, Decimal})
SubjectParts = tuple[str, str]
"""The person or the number of seats, and the last sign-in; each is empty if the facts do not contain it."""
_SEPARATOR: Final = " · "
_MAILBOXES: Final = {"shared": N_("shared mailbox"), "room": N_("room mailbox"), "equipment": N_("equipment mailbox")}
"""Kinds of mailboxes, by Graph's `userPurpose`; others, such as `linked`, are shown as Graph names them."""


def evidence_text(finding: Finding, l10n: Labels) -> str:
    """Return the evidence of a finding in the language of `l10n`: its non-empty parts, joined by dots."""
    facts = finding.evidence
    assigned = assignment_part(facts.get("paths"), l10n)
    return _joined((*subject_parts(facts, l10n), assigned, other_part(finding, l10n)))


def evidence_change(before: Finding, after: Finding, l10n: Labels) -> tuple[str, str]:
    """Return the parts of the evidence that differ between two states of a finding: the old ones and the new ones."""
    old, new = (evidence_text(finding, l10n).split(_SEPARATOR) for finding in (before, after))
    return _joined(part for part in old if part not in new), _joined(part for part in new if part not in old)


def subject_parts(facts: Mapping[str, Any], l10n: Labels) -> SubjectParts:
    """Return the parts that depend on the evidence only, not on the check."""
    first: list[str] = []
    if "usable" in facts or "consumed" in facts:
        first += _seats(facts, l10n)
    if "short" in facts or "excess" in facts:
        first += _tenants(facts, l10n)
    if _PERSON_FACTS.isdisjoint(facts):
        return _joined(first), ""
    return _joined((*first, *_account(facts, l10n))), _last_sign_in(facts, l10n)


def assignment_part(paths: object, l10n: Labels) -> str:
    """Return the distinct assignment paths of the evidence; empty if it has none."""
    texts = [_path_text(path, l10n) for path in assignment_paths(paths)]
    return l10n.gettext("assigned: {paths}", paths=l10n.joined(texts)) if texts else ""


def other_part(finding: Finding, l10n: Labels) -> str:
    """Return the part that also depends on the check: assigned products, subscriptions, groups, budgets and others."""
    return _joined(_other_facts(finding, l10n))


def _joined(parts: Iterable[str]) -> str:
    return _SEPARATOR.join(filter(None, parts))


def _account(facts: Mapping[str, Any], l10n: Labels) -> Iterator[str]:
    if facts.get("accountEnabled") is False:
        yield l10n.gettext("sign-in blocked")
    if str(facts.get("userType") or "").casefold() == "guest":
        yield l10n.gettext("guest")
    mailbox = facts.get("mailboxType")
    if mailbox and str(mailbox).casefold() != "user":
        kind = str(mailbox)
        known = _MAILBOXES.get(kind.casefold())
        yield l10n.gettext("{kind} mailbox", kind=kind) if known is None else l10n.gettext(known)
    for name in ("department", "usageLocation"):
        if facts.get(name):
            yield str(facts[name])
    if not _USAGE_AND_ACCESS.isdisjoint(facts):
        yield from access_parts(facts, l10n)
        yield from usage_parts(facts, l10n)


def _last_sign_in(facts: Mapping[str, Any], l10n: Labels) -> str:
    signed_in_at = last_sign_in(facts)
    return l10n.gettext("last sign-in {date}", date=l10n.written_date(signed_in_at)) if signed_in_at else ""


def _other_facts(finding: Finding, l10n: Labels) -> Iterator[str]:
    facts = finding.evidence
    if facts.get("error") and not _PERSON_FACTS.isdisjoint(facts):
        yield l10n.gettext("error {code}", code=str(facts["error"]))
    check = known_check(finding.check)
    if check is not None and check.lists_holdings and facts.get("assignedLicenses"):
        yield l10n.gettext(
            "has {products}", products=l10n.joined(map(product_title, _texts(facts["assignedLicenses"])))
        )
    if _SUBJECT_FACTS.issuperset(facts):
        return
    if not _SUBSCRIPTION_FACTS.isdisjoint(facts):
        yield from _subscription(facts, l10n)
    if not _GROUP_FACTS.isdisjoint(facts):
        yield from _group(facts, l10n)
    yield from missing_seats(facts, l10n)
    yield from contract_facts(finding, l10n)
    yield from _budget(finding, l10n)
    for name in () if DESCRIBED_FACTS.issuperset(facts) else sorted(facts.keys() - DESCRIBED_FACTS):
        if facts[name] not in (None, "", [], {}, ()):
            yield f"{fact_label(name)} {_value(facts[name], l10n)}"


def _seats(facts: Mapping[str, Any], l10n: Labels) -> Iterator[str]:
    for name, text in (
        ("usable", NN_("{count} usable", "{count} usable")),
        ("consumed", NN_("{count} assigned", "{count} assigned")),
        ("spare", NN_("{count} spare", "{count} spare")),
        ("suspended", NN_("{count} suspended", "{count} suspended")),
        ("lockedOut", NN_("{count} locked out", "{count} locked out")),
        ("trial", NN_("{count} seat in a trial", "{count} seats in trials")),
    ):
        value = facts.get(name)
        if type(value) is int and (value or name in {"usable", "consumed", "spare"}):
            yield l10n.plural(*text, value)
    ignored = uncounted_grace_seats(facts)
    if ignored:
        yield l10n.plural(
            "{count} seat in its grace period is not counted",
            "{count} seats in their grace period are not counted",
            ignored,
        )
    if type(facts.get("assigned")) is int:
        yield l10n.plural(
            "{count} person in the scope of the policy has it",
            "{count} people in the scope of the policy have it",
            facts["assigned"],
        )
    if type(facts.get("needed")) is int:
        yield l10n.plural("{count} person needs a seat", "{count} people need a seat", facts["needed"])
    yield from purchase(None, facts.get("purchased"), l10n)
    allowed = limits(facts, l10n)
    if allowed:
        yield l10n.gettext("allowed: {limits}", limits=allowed)
    if facts.get("boundsConflict") and None not in (facts.get("minimum"), facts.get("maximum")):
        yield l10n.gettext("no number of seats satisfies both limits")


def uncounted_grace_seats(facts: Mapping[str, Any]) -> int:
    """Return the number of seats in their grace period that the policy does not count; 0 if it counts them."""
    usable, enabled, warning = (facts.get(name) for name in ("usable", "enabled", "warning"))
    if type(usable) is not int or type(enabled) is not int or type(warning) is not int:
        return 0
    return warning if usable < enabled + warning else 0


def limits(facts: Mapping[str, Any], l10n: Labels) -> str:
    """Return the bounds of spare seats in the policy, in words; empty if there are none."""
    low, high = facts.get("minimum"), facts.get("maximum")
    if low is None and high is None:
        return ""
    mixed = None not in (low, high) and str(low).isdecimal() != str(high).isdecimal()
    minimum, maximum = (l10n.bound(str(bound), of_seats=mixed) for bound in (low, high))
    last = str(low if high is None else high)
    count = int(last) if last.isdecimal() else 2  # a percentage takes the plural
    if high is None:
        return l10n.plural("at least {seats} spare", "at least {seats} spare", count, seats=minimum)
    if "assigned" in facts:
        return l10n.plural("at most {seats} assigned", "at most {seats} assigned", count, seats=maximum)
    if "purchased" in facts:
        return l10n.plural("at most {seats} purchased", "at most {seats} purchased", count, seats=maximum)
    if low is None:
        return l10n.plural("at most {seats} spare", "at most {seats} spare", count, seats=maximum)
    return l10n.plural(
        "at least {low}, at most {high} spare", "at least {low}, at most {high} spare", count, low=minimum, high=maximum
    )


def advice(change: int, l10n: Labels) -> str:
    """Return how many seats to buy, or how many are too many, as not everybody may remove them; `change` is not 0."""
    if change > 0:
        return l10n.plural("buy {count} seat", "buy {count} seats", change)
    return l10n.plural("{count} seat too many", "{count} seats too many", -change)


def advice_after_actions(change: int, moved: SeatMovement, l10n: Labels) -> str:
    """Return what remains to do about seats after the actions; `change` is the number of seats to add."""
    usable = moved.usable + moved.revived
    return f"{_moves(moved, l10n)}; {_rest(change, usable, moved.assigned_after, l10n)}"


def _moves(moved: SeatMovement, l10n: Labels) -> str:
    """Return how many seats the actions free and assign, without a number that is zero."""
    freed, given = l10n.number(moved.freed), l10n.number(moved.given)
    if not moved.given:
        return l10n.gettext("the actions free {freed}", freed=freed)
    if not moved.freed:
        return l10n.gettext("the actions assign {given}", given=given)
    return l10n.gettext("the actions free {freed} and assign {given}", freed=freed, given=given)


def _rest(change: int, usable: int, needed: int, l10n: Labels) -> str:
    """Return how many seats to buy, or how many are spare or too many, after the actions."""
    if change > 0:
        return l10n.plural("then buy {count}", "then buy {count}", change)
    if change < 0:
        too_many = NN_("then {count} of {usable} is too many", "then {count} of {usable} are too many")
        return l10n.plural(*too_many, -change, usable=l10n.number(usable))
    spare = NN_("then {count} of {usable} is spare", "then {count} of {usable} are spare")
    return l10n.plural(*spare, usable - needed, usable=l10n.number(usable))


def _tenants(facts: Mapping[str, Any], l10n: Labels) -> Iterator[str]:
    for name, text in (("short", N_("too few in {tenants}")), ("excess", N_("too many in {tenants}"))):
        tenants = mappings(facts.get(name))
        if tenants:
            yield l10n.gettext(text, tenants=l10n.joined(_spare(item, l10n) for item in tenants))
    allowed = limits(facts, l10n)
    if allowed:
        yield l10n.gettext("allowed: {limits}", limits=allowed)


def _spare(line: Mapping[str, Any], l10n: Labels) -> str:
    spare = line.get("spare")
    seats = l10n.spare(spare if type(spare) is int else None)
    return f"{line.get('title') or line.get('tenant')} ({seats})"


def _path_text(assignment: AssignmentPath, l10n: Labels) -> str:
    path = l10n.gettext("direct")
    if assignment.group is not None:
        path = l10n.gettext("group {group}", group=assignment.group)
    return path if assignment.state is None else f"{path} ({assignment.state})"


def _subscription(facts: Mapping[str, Any], l10n: Labels) -> Iterator[str]:
    yield from purchase(facts.get("isTrial"), facts.get("totalLicenses"), l10n)
    if facts.get("nextLifecycleDateTime"):
        ends = l10n.written_date(str(facts["nextLifecycleDateTime"]))
        yield l10n.gettext("next lifecycle date {date}", date=ends)
    idle, needed = facts.get("adjust"), facts.get("neededAfterTrials", 0)
    removable = -idle - needed if type(idle) is int and type(needed) is int else 0
    if removable > 0 and facts.get("isTrial") is not True:
        yield l10n.plural("{count} spare seat to remove", "{count} spare seats to remove", removable)
    if facts.get("status"):
        yield l10n.gettext("state {state}", state=l10n.subscription(facts["status"]))


def _group(facts: Mapping[str, Any], l10n: Labels) -> Iterator[str]:
    failing = facts.get("hasMembersWithLicenseErrors")
    if failing is not None:
        yield l10n.gettext("members with licence errors") if failing else l10n.gettext("no members with licence errors")
    if facts.get("licenseProcessingState"):
        state = str(facts["licenseProcessingState"])
        yield l10n.gettext("processing: {state}", state=state)
    if facts.get("nestedGroups"):
        yield l10n.gettext("nested groups: {groups}", groups=l10n.joined(_texts(facts["nestedGroups"])))
    if facts.get("membershipRuleProcessingState"):
        state = str(facts["membershipRuleProcessingState"])
        yield l10n.gettext("processing of the rule: {state}", state=state)
    if facts.get("memberCount") == 0:
        yield l10n.gettext("no members")


def _budget(finding: Finding, l10n: Labels) -> Iterator[str]:
    if detail_of(finding.check) is not Detail.CURRENCY or not finding.detail:
        return
    for name, text in (("total", N_("{money} a month")), ("limit", N_("allowed: {money} a month"))):
        value: Any = finding.evidence.get(name)
        if type(value) in _NUMBERS and isfinite(value):
            yield l10n.gettext(text, money=l10n.money(Decimal(str(value)), finding.detail))
    if finding.evidence.get("unpriced"):
        unpriced = l10n.joined(map(product_title, _texts(finding.evidence["unpriced"])))
        yield l10n.gettext("minimum, no price for {products}", products=unpriced)
    elif finding.evidence.get("lowerBound"):
        yield l10n.gettext("minimum, because not all seats are known")


@lru_cache(maxsize=4096)
def fact_label(name: str) -> str:
    """Return `hasMembersWithLicenseErrors` as `has members with license errors`."""
    return sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()


def _value(value: Any, l10n: Labels) -> str:
    match value:
        case bool():
            return l10n.gettext("yes") if value else l10n.gettext("no")
        case int():
            return l10n.number(value)
        case Mapping():
            return l10n.joined(f"{fact_label(str(name))} {_value(value[name], l10n)}" for name in sorted(value))
        case list() | tuple():
            return l10n.joined(_value(item, l10n) for item in value)
        case _:
            return str(value)


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
