"""Explains why somebody has to change the members of a group manually: reasons in the proof, and steps of actions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import ActionKind
from auditor.domain.errors import printable
from auditor.domain.result.finding import Finding
from auditor.domain.translation import N_, Localizer
from auditor.remedy.actions.remedies.targets import groups_of
from auditor.remedy.planner.simulation.membership_rules import rule_properties
from auditor.remedy.planner.simulation.memberships import Memberships
from auditor.remedy.requests import quoted

_CHANGED_BY_MEMBERSHIP: Final = frozenset(
    {ActionKind.LEAVE_GROUP, ActionKind.MOVE_GROUP, ActionKind.TO_DIRECT, ActionKind.COPIES}
)
_PEOPLE_PER_LINE: Final = 20
_LONGEST_RULE: Final = 400


def group_reasons(groups: Iterable[str], memberships: Memberships, l10n: Localizer) -> tuple[str, ...]:
    """Return for each group whose members no request can change the reason."""
    return tuple(_reason(group, memberships, l10n) for group in _refused(groups, memberships))


def with_membership_steps(
    actions: Iterable[Action], findings: Mapping[str, Finding], memberships: Memberships, l10n: Localizer
) -> Iterator[Action]:
    """Add manual steps to actions that change members without requests."""
    for action in actions:
        if action.requests or ActionKind(action.kind) not in _CHANGED_BY_MEMBERSHIP:
            yield action
            continue
        people: dict[str, list[Finding]] = {}
        for fingerprint in action.findings:
            for group in _refused(groups_of(findings[fingerprint]), memberships) if fingerprint in findings else ():
                people.setdefault(group, []).append(findings[fingerprint])
        steps = [
            step
            for group, group_findings in people.items()
            for step in _steps(group, group_findings, memberships, l10n)
        ]
        yield replace(action, steps=(*action.steps, *steps)) if steps else action


def _refused(groups: Iterable[str], memberships: Memberships) -> list[str]:
    return [group for group in dict.fromkeys(groups) if memberships.refusal(group) is not None]


def _steps(group: str, findings: Sequence[Finding], memberships: Memberships, l10n: Localizer) -> Iterator[str]:
    yield _reason(group, memberships, l10n)
    addresses = dict.fromkeys(str(f.evidence.get("userPrincipalName") or "") for f in findings)
    names = [name for name in addresses if name]
    fact = memberships.groups.get(group)
    if memberships.refusal(group) != "synced" or fact is None or not fact.name:
        return
    for start in range(0, len(names), _PEOPLE_PER_LINE):
        yield l10n.gettext(
            "Run on premises: {command}",
            command=code(remove_on_premises(fact.name, names[start : start + _PEOPLE_PER_LINE])),
        )


def remove_on_premises(group: str, addresses: Sequence[str]) -> str:
    """Return the command of the ActiveDirectory module that removes people from a group of the local directory.

    Group and people are looked up by name and address, because their account names there are not read. The name of a
    synchronised group is its display name, or its common name if it has none.
    """
    name = _ldap(group)
    people = "".join(f"(userPrincipalName={_ldap(address)})" for address in addresses)
    user_filter = f"(|{people})" if len(addresses) > 1 else people
    return (
        f"Remove-ADGroupMember -Identity (Get-ADGroup -LDAPFilter {quoted(f'(|(displayName={name})(cn={name}))')})"
        f" -Members (Get-ADUser -LDAPFilter {quoted(user_filter)})"
    )


def _ldap(text: str) -> str:
    r"""Return a value of an LDAP filter (RFC 4515), with special and control characters escaped as in `\2a`."""
    special = "\\*()\0"
    return "".join(
        "".join(f"\\{byte:02x}" for byte in character.encode("utf-8", "replace"))
        if character in special or not character.isprintable()
        else character
        for character in text
    )


def code(text: str) -> str:
    """Return a text as a Markdown code span; a backtick, which would end it, is replaced by an apostrophe."""
    return "`" + printable(text).replace("`", "'") + "`"


def _reason(group: str, memberships: Memberships, l10n: Localizer) -> str:
    fact = memberships.groups.get(group)
    name = code(fact.name if fact is not None and fact.name else group)
    match memberships.refusal(group):
        case "dynamic":
            return _dynamic(name, (fact.membership_rule if fact is not None else None) or "", l10n)
        case "synced":
            text = N_("The group {group} is synchronised from on premises: change its members there.")
        case "role":
            text = N_(
                "The group {group} can be assigned to roles: only a Privileged Role "
                "Administrator or an owner of the group can change its members."
            )
        case "mail":
            text = N_("The group {group} is mail-enabled: change its members in Exchange.")
        case "nested":
            text = N_(
                "Policies use groups that contain {group}, and not all members of those "
                "groups were read: the effect is not known."
            )
        case _:
            text = N_("The type of the group {group} was not read: collect again and make a new plan.")
    return l10n.gettext(text, group=name)


def _dynamic(group: str, rule: str, l10n: Localizer) -> str:
    attributes = ", ".join(code(name) for name in rule_properties(rule))
    if not attributes:
        return l10n.gettext(
            "The group {group} is dynamic: change the properties of the person, or its rule.", group=group
        )
    shortened = rule if len(rule) <= _LONGEST_RULE else rule[:_LONGEST_RULE] + "…"
    return l10n.gettext(
        "The group {group} is dynamic: change {attributes} of the person so that its rule no "
        "longer matches, or change the rule: {rule}",
        group=group,
        attributes=attributes,
        rule=code(shortened),
    )
