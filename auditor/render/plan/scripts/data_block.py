"""Writes the data block of a script: people and groups as in the snapshot, and the requests in order."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from msgspec import Struct

from auditor.domain.actions.action import Action
from auditor.domain.errors import UsageError, printable, printable_line
from auditor.domain.message import Message
from auditor.remedy.planner.model import TenantPlan
from auditor.remedy.planner.simulation.changes import PlannedRequest, PlannedRequests
from auditor.remedy.requests import ENVIRONMENTS, GraphRequest, RequestKind, properties_of, root
from auditor.render.plan.outline_text import finding_name
from auditor.render.plan.scripts.literals import key, literal
from auditor.render.text.guidance import plain
from auditor.render.text.sanitize import shortened

_MAX_LENGTH: Final = 200
_SIGNATURE: Final = Counter("sig#beginsignatureblock")
"""The characters of a signature's first line, as PowerShell's tokenizer compares them."""
_MAX_SIGNATURE_LENGTH: Final = 34
"""Maximum length, without spaces, of comments that PowerShell compares."""
_COMMON_CHARACTERS: Final = 14
"""Number of characters that a text has in common with the line if its edit distance is below 10."""


class Kind(Struct, frozen=True, kw_only=True):
    """The requirements of a kind of change."""

    modules: tuple[str, ...]
    """Names of PowerShell modules, without the prefix `Microsoft.Graph.`."""
    reads: tuple[str, ...]
    """Permissions to read the state before the change."""


KINDS: Final[Mapping[RequestKind, Kind]] = {
    RequestKind.USER_LICENCES: Kind(modules=("Users", "Users.Actions"), reads=("User.Read.All",)),
    RequestKind.GROUP_LICENCES: Kind(modules=("Groups",), reads=("GroupMember.Read.All", "User.Read.All")),
    RequestKind.JOIN: Kind(modules=("Groups", "Users"), reads=("GroupMember.Read.All", "User.Read.All")),
    RequestKind.LEAVE: Kind(modules=("Groups", "Users"), reads=("GroupMember.Read.All", "User.Read.All")),
    RequestKind.PROPERTY: Kind(modules=("Users",), reads=("User.Read.All",)),
    RequestKind.REPROCESS: Kind(modules=("Users", "Users.Actions"), reads=("User.Read.All",)),
}
"""Requirements by kind of change, which is `Kind` in the data and in the functions of the script."""


def changes_in(plan: TenantPlan) -> PlannedRequests:
    """Return the changes of a plan. Raises UsageError if its requests cannot be run."""
    if plan.changes is None:
        raise UsageError(
            "usage",
            Message(
                "the plan of {tenant} cannot be run, because it has pseudonyms in place of people", tenant=plan.name
            ),
            hint=Message("leave out --redact"),
        )
    if plan.cloud not in ENVIRONMENTS:
        raise UsageError(
            "usage",
            Message("scripts cannot sign in to the cloud of {tenant}, because it is closed", tenant=plan.name),
            hint=Message("choose other tenants with --tenant"),
        )
    return plan.changes


def comment(text: str, *, indent: int = 0) -> str:
    """Return a one-line comment, in which no text begins or ends a block comment.

    A comment that PowerShell could take for `# SIG # Begin signature block`, after which it accepts no code, is
    extended with dashes: PowerShell compares only short comments, without spaces, by their edit distance (below 10).
    """
    line = printable_line(text).replace("<#", "< #").replace("#>", "# >")
    compact = "".join(line.split()).lower()
    if len(compact) <= _MAX_SIGNATURE_LENGTH and (Counter(compact) & _SIGNATURE).total() >= _COMMON_CHARACTERS:
        line += " " + "-" * (_MAX_SIGNATURE_LENGTH + 1 - len(compact))
    return f"{' ' * indent}# {line}"


def names_of(plan: TenantPlan) -> dict[str, str]:
    """Return the name and sign-in name of each person with an open finding, by id."""
    return {finding.subject.id: printable(finding_name(finding)) for finding in plan.findings}


def data_lines(plan: TenantPlan, as_of: str) -> Iterator[str]:
    """Yield the lines of $Plan, $Products, $Purchases, $People, $Groups and $Actions."""
    changes, names = changes_in(plan), names_of(plan)
    products = {sku_id: plan.names.get(part, part) for sku_id, part in changes.products.items()}
    head = {
        "Tenant": printable(plan.title),
        "TenantId": plan.tenant_id,
        "Environment": ENVIRONMENTS[plan.cloud],
        "Root": root(plan.cloud),
        "AsOf": as_of,
    }
    purchases = {
        decided.sku_id: f"{decided.action} ({plan.actions[decided.action - 1].title})"
        for decided in plan.decided_seats
        if decided.action is not None and decided.enabled > decided.enabled_before
    }
    people = (_person(user, names.get(user, user), changes, products) for user in sorted(changes.accounts))
    groups = (_group(group, changes) for group in sorted(changes.groups))
    yield from _table("Plan", (f"    {name} = {literal(value)}" for name, value in head.items()))
    yield from _table("Products", _texts(dict(sorted(products.items()))))
    yield "# The actions in which a person buys seats, as somebody decided; no request does it."
    yield from _table("Purchases", _texts(purchases))
    yield "# What the snapshot says of the people that change."
    yield from _table("People", chain.from_iterable(people))
    yield "# What the snapshot says of the groups that change, or whose members do."
    yield from _table("Groups", chain.from_iterable(groups))
    yield "# The changes of each action in order. A key that is not there is empty."
    yield "$Actions = @("
    for number, action in enumerate(plan.actions, start=1):
        if action.id in changes.steps:
            yield from _action(number, action, changes, names)
    yield ")"


def _table(name: str, entries: Iterable[str]) -> tuple[str, ...]:
    """Return a variable with a hash table, followed by a blank line."""
    return (f"${name} = @{{", *entries, "}", "")


def _texts(texts: Mapping[str, str]) -> Iterator[str]:
    return (f"    {key(name)} = {literal(printable(text))}" for name, text in texts.items())


def _person(user: str, name: str, changes: PlannedRequests, products: Mapping[str, str]) -> Iterator[str]:
    yield f"    {key(user)} = @{{"
    yield f"        Name = {literal(name)}"
    yield "        Paths = @("
    for grant in sorted(changes.accounts[user].grants, key=lambda grant: (grant.sku_id, grant.group or "")):
        path = {
            "SkuId": grant.sku_id,
            "Group": grant.group or "",
            "Active": grant.active,
            "DisabledPlans": sorted(grant.disabled_plans),
        }
        yield comment(products.get(grant.sku_id, grant.sku_id), indent=12)
        yield f"            {literal(path, indent=12)}"
    yield "        )"
    values = [f"{key(name)} = {literal(value)}" for name, value in changes.properties.get(user, {}).items()]
    yield f"        Properties = @{{{'; '.join(values)}}}"
    yield "    }"


def _group(group: str, changes: PlannedRequests) -> Iterator[str]:
    state = changes.groups[group]
    yield f"    {key(group)} = @{{"
    yield f"        Name = {literal(printable(state.name))}"
    yield "        Licenses = @("
    for sku_id, off in sorted(state.licenses.items()):
        product = {"SkuId": sku_id, "DisabledPlans": None if off is None else sorted(off)}
        yield f"            {literal(product, indent=12)}"
    yield "        )"
    yield f"        Members = {literal(state.members or (), indent=8)}"
    yield "    }"


def _action(number: int, action: Action, changes: PlannedRequests, names: Mapping[str, str]) -> Iterator[str]:
    steps = changes.steps[action.id]
    facts = {
        "Number": number,
        "Fingerprint": action.id,
        "Title": printable_line(action.title),
        "Decision": action.confidence == "review",
        "NoWayBack": [
            shortened(plain(printable_line(action.steps[step - 1])), _MAX_LENGTH) for step in action.irreversible
        ],
        "Scopes": scopes_of(steps),
    }
    yield comment(f"{number}. {action.title}", indent=4)
    yield "    @{"
    yield from (f"        {name} = {literal(value, indent=8)}" for name, value in facts.items())
    yield "        Steps = @("
    for step in steps:
        yield comment(f"{number}.{step.number}: {about(step, changes, names)}", indent=12)
        yield f"            {literal(_step(step), indent=12)}"
    yield "        )"
    yield "    }"


def scopes_of(steps: Iterable[PlannedRequest]) -> list[str]:
    """Return the permissions that steps need to read the state before the change and to change it.

    Permission to write users includes reading them. Reading the groups of a person needs GroupMember.Read.All, which
    GroupMember.ReadWrite.All is not documented to include.
    """
    kinds = {step.request.target.kind for step in steps}
    scopes = {name for kind in kinds for name in (kind.scope, *KINDS[kind].reads)}
    return sorted(scopes - ({"User.Read.All"} if "User.ReadWrite.All" in scopes else set()))


def about(step: PlannedRequest, changes: PlannedRequests, names: Mapping[str, str]) -> str:
    """Return the names of the person and the group that a step changes."""
    group = changes.groups[step.group].name or step.group if step.group else ""
    return ", ".join(part for part in (names.get(step.user, step.user), group) if part)


def _step(step: PlannedRequest) -> dict[str, Any]:
    waits = [{"SkuId": sku_id, "Group": group} for sku_id, group in step.waits]
    facts = {"Step": step.number, **_change(step.request, step, step.seats), "Waits": waits, "Final": step.final}
    if step.undo is not None:
        facts["Undo"] = _change(step.undo, step, {sku_id: -count for sku_id, count in step.seats.items()})
    return {name: value for name, value in facts.items() if value}


def _change(request: GraphRequest, step: PlannedRequest, seats: Mapping[str, int]) -> dict[str, Any]:
    kind = request.target.kind
    values = properties_of(request) if kind is RequestKind.PROPERTY else {}
    facts = {
        "Kind": kind,
        "User": step.user,
        "Group": step.group,
        "Method": request.method,
        "Path": request.path,
        "Body": request.body,
        "Properties": [{"Name": name, "Value": value} for name, value in values.items()],
        "Seats": dict(sorted(seats.items())),
    }
    return {name: value for name, value in facts.items() if value}
