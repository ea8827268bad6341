"""Reads `users:` into a Selector."""

import re
from collections.abc import Mapping
from typing import Final

from auditor.domain.message import Message, truncated
from auditor.domain.policy import selector as kinds
from auditor.domain.policy.product_set import EVERY_PRODUCT
from auditor.domain.policy.selector import (
    APPS,
    BOOLEAN_PROPERTIES,
    EVERY_SERVICE,
    EVERYBODY,
    INSTANT_PROPERTIES,
    PLATFORMS,
    TEXT_PROPERTIES,
    Scalar,
    Selector,
    Signal,
)
from auditor.policy.nodes import Node, bytes_of, duration, instant, instant_or_duration
from auditor.policy.references import Names
from auditor.policy.yaml.writer import flow

_MAX_LISTED: Final = 20
"""Maximum number of names in a hint."""
_MAX_LENGTH: Final = 200
"""Maximum length of a selector in a hint, in characters."""


def read_selector(node: Node, names: Names) -> Selector:
    """Return a selector: the name of a population, or a mapping whose keys must all hold."""
    if isinstance(node.value, str):
        return _population(node.value, node, names)
    if not names.depth.descend(node):
        return EVERYBODY
    # Loops, here and below, because a generator would add a stack frame per nesting level.
    parts: list[Selector] = []
    for key, member in node.items():
        if key != "signal":
            parts.append(_part(key, member, node, names))
    names.depth.ascend()
    return parts[0] if len(parts) == 1 else kinds.Every(parts=tuple(parts))


def read_definitions(names: Names) -> None:
    """Read every population and product set, so that errors in unused ones are reported too."""
    for name, node in names.populations.items():
        _population(name, node, names)
    names.read_sets()


def _population(name: str, where: Node, names: Names) -> Selector:
    """Return the selector of a population; an unknown or circular name is reported and read as all users."""
    population = names.selectors.get(name)
    label = Message("population {name}", name=name)
    if population is not None:
        return population if names.depth.reuse(label, where) else EVERYBODY
    node = names.populations.get(name)
    if node is None and (names.gaps.sections or name in names.gaps.populations):
        return EVERYBODY
    if node is None:
        _report_unknown(name, where, names)
        return EVERYBODY
    if not names.depth.open(label, node, where):
        return EVERYBODY
    population = kinds.Population(name=name, selector=read_selector(node, names))
    names.depth.close(label)
    names.selectors[name] = population
    return population


def _report_unknown(name: str, where: Node, names: Names) -> None:
    if "@" in name:
        message = Message("no file defines the population '{name}'", name=name)
        hint = Message("write {text}", text=f"{{userPrincipalName: {name}}}")
        names.diagnostics.error("policy-unknown-population", message, where, hint)
        return
    if name.casefold() in _EVERYBODY_NAMES:
        message = Message("no file defines the population '{name}'", name=name)
        hint = Message("leave the key out: without it everybody is meant")
        names.diagnostics.error("policy-unknown-population", message, where, hint)
        return
    known_names = sorted(names.populations)
    defined = ", ".join(truncated(known_names, _MAX_LISTED))
    names.diagnostics.error(
        "policy-unknown-population",
        Message("no file defines the population '{name}'", name=name),
        where,
        names.diagnostics.hints.did_you_mean(
            name,
            names.populations,
            Message("populations that are defined: {known}", known=defined)
            if known_names
            else Message("define it under `populations`"),
        ),
    )


def _parts(node: Node, names: Names) -> tuple[Selector, ...]:
    parts: list[Selector] = []
    for item in node.each():
        parts.append(read_selector(item, names))  # noqa: PERF401
    return tuple(parts)


def _part(key: str, node: Node, parent: Node, names: Names) -> Selector:
    match key:
        case "holds":
            return kinds.Holds(products=names.product_set(node))
        case "licensed":
            return kinds.Licensed() if node.value else kinds.Not(part=kinds.Licensed())
        case "heldFor":
            products = names.product_set(node["of"]) if node.has("of") else EVERY_PRODUCT
            return kinds.HeldFor(products=products, duration=duration(node["atLeast"]))
        case "licensedVia":
            return kinds.LicensedVia(path=node.value)
        case "managedDevice":
            return _managed_device(node)
        case "memberOf":
            return _member_of(node)
        case "inactiveFor":
            signal: Signal = parent.value.get("signal", "any")
            return kinds.InactiveFor(duration=duration(node), signal=signal)
        case "neverSignedIn":
            return kinds.NeverSignedIn(duration=duration(node))
        case "inactiveIn":
            services = EVERY_SERVICE if node.value["services"] == "*" else node.texts("services")
            return kinds.InactiveIn(services=services, duration=duration(node["for"]))
        case "appsUnused":
            apps, platforms = node.texts("apps") or APPS, node.texts("on") or PLATFORMS
            return kinds.AppsUnused(apps=apps, platforms=platforms, period=f"D{duration(node['for']).days}")
        case "mailboxUsage":
            return _mailbox_usage(node)
        case "agent":
            return kinds.Agent() if node.value else kinds.Not(part=kinds.Agent())
        case "createdWithin":
            return kinds.CreatedWithin(duration=duration(node))
        case "hasRole":
            return _has_role(node, names)
        case "coveredBy":
            return kinds.CoveredBy(
                conditional_access=node.value["conditionalAccess"] if isinstance(node.value, dict) else "any"
            )
        case "any":
            return kinds.AnyOf(parts=_parts(node, names))
        case "all":
            return kinds.Every(parts=_parts(node, names))
        case "not":
            return kinds.Not(part=read_selector(node, names))
        case "population":
            return _population(str(node.value), node, names)
        case _:
            return _property(key, node, names)


def _mailbox_usage(node: Node) -> Selector:
    parts: list[Selector] = []
    if node.has("largerThan"):
        parts.append(kinds.MailboxLargerThan(size=bytes_of(node.text("largerThan"))))
    if node.has("archive"):
        parts.append(kinds.MailboxArchive() if node.value["archive"] else kinds.Not(part=kinds.MailboxArchive()))
    return parts[0] if len(parts) == 1 else kinds.Every(parts=tuple(parts))


def _managed_device(node: Node) -> Selector:
    if isinstance(node.value, dict):
        return kinds.ManagedDevice(seen_within=duration(node["seenWithin"]))
    return kinds.ManagedDevice() if node.value else kinds.Not(part=kinds.ManagedDevice())


def _member_of(node: Node) -> kinds.MemberOf:
    transitive = isinstance(node.value, dict) and bool(node.value.get("transitive", False))
    groups = node.value["group"] if isinstance(node.value, dict) else node.value
    return kinds.MemberOf(groups=tuple(groups) if isinstance(groups, list) else (str(groups),), transitive=transitive)


def _has_role(node: Node, names: Names) -> kinds.HasRole:
    if not isinstance(node.value, dict):
        return kinds.HasRole(roles=_roles(node, names))
    return kinds.HasRole(
        roles=_roles(node["roles"], names) if node.has("roles") else None,
        assigned=node.value.get("assigned", "active"),
        privileged=bool(node.value.get("privileged", False)),
    )


def _roles(node: Node, names: Names) -> tuple[str, ...] | None:
    items = node.one_or_each()
    for item in items:
        if item.value != "*":
            names.mention("role", str(item.value), item)
    return None if any(item.value == "*" for item in items) else tuple(str(item.value) for item in items)


def _property(name: str, node: Node, names: Names) -> Selector:
    if not isinstance(node.value, dict):
        return _one_of(name, node, names)
    parts = tuple(_operator(name, key, operand, names) for key, operand in node.items())
    return parts[0] if len(parts) == 1 else kinds.Every(parts=parts)


def _operator(name: str, operator: str, node: Node, names: Names) -> Selector:
    match operator:
        case "is" | "in":
            return _one_of(name, node, names)
        case "not" | "notIn":
            return kinds.Not(part=_one_of(name, node, names, negated=True))
        case "exists":
            absent = kinds.OneOf(property=name, values=(None,))
            return kinds.Not(part=absent) if node.value else absent
        case "matches":
            return kinds.Matches(property=name, pattern=str(node.value))
        case "before":
            return kinds.Before(property=name, bound=instant_or_duration(node, names.diagnostics))
        case _:
            return kinds.After(property=name, bound=instant_or_duration(node, names.diagnostics))


def _one_of(name: str, node: Node, names: Names, *, negated: bool = False) -> kinds.OneOf:
    if name in TEXT_PROPERTIES:
        _warn_of_asterisks(name, node, names, negated=negated)
    return kinds.OneOf(property=name, values=tuple(scalar(name, item, names) for item in node.one_or_each()))


def _warn_of_asterisks(name: str, node: Node, names: Names, *, negated: bool) -> None:
    """Record a warning for each text that looks like a pattern, because only `matches` compares patterns."""
    items = node.one_or_each()
    globs = [item for item in items if "*" in str(item.value)]
    if not globs:
        return
    parts: list[object] = [{name: {"matches": item.value}} for item in globs]
    texts = [item.value for item in items if "*" not in str(item.value)]
    parts += [{name: texts[0] if len(texts) == 1 else texts}] if texts else []
    selector = parts[0] if len(parts) == 1 else {"any": parts}
    text = flow({"not": selector} if negated else selector)[1:-1]
    if len(text) > _MAX_LENGTH:
        text = flow({name: {"matches": globs[0].value}})[1:-1]
    for item in globs:
        names.diagnostics.warning(
            "policy-literal-asterisk",
            Message("'{value}' is compared as text, in which '*' is an ordinary character", value=item.value),
            item,
            Message("for a pattern, write {text}", text=text),
        )


def scalar(name: str, node: Node, names: Names) -> Scalar | None:
    """Return a value that a property can equal; dates of instant properties are midnight UTC."""
    if node.value == "":
        return None  # an empty string means no value, as in Graph
    if node.value is None or name in BOOLEAN_PROPERTIES:
        value: Scalar | None = node.value
        return value
    if name in INSTANT_PROPERTIES:
        parsed = instant(str(node.value))
        if parsed is None:
            names.diagnostics.error(
                "policy-bad-date",
                Message("'{value}' is not an instant", value=node.value),
                node,
                Message("write 2026-11-20 or 2026-11-20T02:17:00Z"),
            )
        return parsed
    text = str(node.value)
    if name in _KNOWN_VALUES and "*" not in text:
        pattern, hint = _KNOWN_VALUES[name]
        if not re.fullmatch(pattern, text, re.IGNORECASE):
            message = Message("no user has the {name} '{value}'", name=name, value=text)
            names.diagnostics.warning("policy-impossible-value", message, node, hint)
    return text


_EVERYBODY_NAMES: Final = frozenset(("*", "all", "any", "everybody", "everyone"))
"""Names, in lower case, that people write for the population of all users."""
_KNOWN_VALUES: Final[Mapping[str, tuple[str, Message]]] = {
    "userType": ("member|guest", Message("one of: {allowed}", allowed="Member, Guest")),
    "usageLocation": ("[a-z]{2}", Message("write the two letters of the country: NL")),
    "mailboxType": (
        "user|linked|shared|room|equipment|others",
        Message("one of: {allowed}", allowed="user, linked, shared, room, equipment, others"),
    ),
}
"""Property → a pattern of the only values that Graph returns for it, and a hint about them."""
