"""Reads the constraint block of a policy into a Constraint."""

from decimal import Decimal
from fractions import Fraction

from auditor.domain.message import Message
from auditor.domain.policy.model import (
    Assignments,
    Attributes,
    Balance,
    Bound,
    Budget,
    Constraint,
    Contracts,
    Health,
    Purchases,
    Seats,
    Services,
    Subscriptions,
)
from auditor.domain.policy.product_set import EVERY_PRODUCT, PAID_PRODUCTS, ProductSet
from auditor.domain.policy.selector import Scalar
from auditor.policy.nodes import Node, duration, percentage
from auditor.policy.references import Names
from auditor.policy.sections.selectors import scalar


def read_constraint(policy: Node, names: Names) -> Constraint:
    """Return the constraint of a policy; the schema has checked that there is exactly one block."""
    block = next(name for name in _READERS if policy.has(name))
    return _READERS[block](policy[block], names)


def _assignments(node: Node, names: Names) -> Constraint:
    return Assignments(
        of=_set(node, "of", names) or EVERY_PRODUCT,
        allow=_set(node, "allow", names),
        deny=_set(node, "deny", names),
        require=tuple(map(names.product_set, node.each_of("require"))),
        exclusive=tuple(tuple(map(names.product_set, group.each())) for group in node.each_of("exclusive")),
        redundant=node.has("redundant"),
        via=node.value.get("via"),
        duplicates=node.has("duplicates"),
        services=_services(node["services"], names) if node.has("services") else Services(),
        downgrade_to=_downgrade(node, names),
    )


def _downgrade(node: Node, names: Names) -> ProductSet | None:
    """Read `downgradeTo`; it is an error without a key that reports people who hold too much."""
    reports = node.has("allow") or node.has("deny") or (node.has("services") and node["services"].has("deny"))
    if node.has("downgradeTo") and not reports:
        names.diagnostics.error(
            "policy-downgrade-alone",
            Message("`downgradeTo` needs a key that reports people who hold too much"),
            node["downgradeTo"].span(key=True),
            Message("add `allow`, `deny` or `services: {deny: [...]}`, which selects the people to report"),
        )
    return _set(node, "downgradeTo", names)


def _services(node: Node, names: Names) -> Services:
    for key in ("require", "deny"):
        for item in node.each_of(key):
            names.mention("service", str(item.value), item)
    return Services(require=node.texts("require"), deny=node.texts("deny"))


def _seats(node: Node, names: Names) -> Constraint:
    minimum, maximum = _spare(node, names)
    return Seats(
        of=_set(node, "of", names) or PAID_PRODUCTS,
        minimum=minimum,
        maximum=maximum,
        quota=_bound(node["assigned"]["max"]) if node.has("assigned") else None,
        purchased=int(node.value["purchased"]["max"]) if node.has("purchased") else None,
        covers=_covers(node, names),
        pool=bool(node.value.get("pool", False)) or node.has("covers"),
        count_grace_units=node.value.get("graceUnits", "count") == "count",
    )


def _covers(node: Node, names: Names) -> bool:
    """Read `covers: users`; a key that cannot be combined with it is an error."""
    if not node.has("covers"):
        return False
    conflicts = [key for key in ("spare", "assigned", "purchased") if node.has(key)]
    if node.value.get("pool") is False:
        conflicts.append("pool")
    for key in conflicts:
        names.diagnostics.error(
            "policy-covers-alone",
            Message(
                "'{key}' cannot be used with `covers`, which always compares the pool with the number of users", key=key
            ),
            node[key].span(key=True),
            Message("leave it out, or write a separate policy; `of` and `graceUnits` can be used with `covers`"),
        )
    return True


def _purchases(node: Node, names: Names) -> Constraint:
    return Purchases(
        allow=_set(node, "allow", names),
        deny=_set(node, "deny", names),
        trials=node.has("trials"),
        unknown=node.has("unknown"),
    )


def _subscriptions(node: Node, names: Names) -> Constraint:
    return Subscriptions(
        of=_set(node, "of", names) or EVERY_PRODUCT,
        expiring=duration(node["expiring"]["within"]) if node.has("expiring") else None,
        idle=_bound(node["expiring"]["idle"]["min"]) if node.has("expiring") and node["expiring"].has("idle") else None,
        except_monthly=node.has("expiring") and node["expiring"].has("exceptTerm"),
        states=node["states"].texts("deny") if node.has("states") else (),
        trials_ending=duration(node["trials"]["endingWithin"]) if node.has("trials") else None,
    )


def _attributes(node: Node, names: Names) -> Constraint:
    allow: list[tuple[str, tuple[Scalar, ...]]] = []
    for name, values in node["allow"].items() if node.has("allow") else ():
        scalars = (scalar(name, item, names) for item in values.one_or_each())
        allow.append((name, tuple(value for value in scalars if value is not None)))
    return Attributes(require=node.texts("require"), allow=tuple(allow))


def _health(node: Node, names: Names) -> Constraint:  # noqa: ARG001  one signature for every block
    return Health(**{name: node.has(name) for name in Health.__struct_fields__})


def _balance(node: Node, names: Names) -> Constraint:
    minimum, maximum = _spare(node, names)
    return Balance(of=_set(node, "of", names) or PAID_PRODUCTS, minimum=minimum, maximum=maximum)


def _budget(node: Node, names: Names) -> Constraint:  # noqa: ARG001  one signature for every block
    return Budget(limit=Decimal(str(node.value["limit"])))


def _contracts(node: Node, names: Names) -> Constraint:  # noqa: ARG001  one signature for every block
    return Contracts(
        match=node.has("match"),
        notice=duration(node["notice"]["within"]) if node.has("notice") else None,
        ending=duration(node["ending"]["within"]) if node.has("ending") else None,
        missing=node.has("missing"),
    )


def _set(node: Node, key: str, names: Names) -> ProductSet | None:
    return names.product_set(node[key]) if node.has(key) else None


def _spare(node: Node, names: Names) -> tuple[Bound | None, Bound | None]:
    """Read `spare: {min, max}`; a minimum above the maximum for every number of seats is an error."""
    if not node.has("spare"):
        return None, None
    spare = node["spare"]
    minimum = _bound(spare["min"]) if spare.has("min") else None
    maximum = _bound(spare["max"]) if spare.has("max") else None
    if minimum is not None and maximum is not None and _exceeds(minimum, maximum):
        names.diagnostics.error(
            "policy-min-above-max",
            Message(
                "`min` {written} is greater than `max` {written2}: no number of seats satisfies both",
                written=minimum.written,
                written2=maximum.written,
            ),
            spare["min"],
            Message("lower `min` or raise `max`"),
        )
    return minimum, maximum


def _bound(node: Node) -> Bound:
    value = node.value
    if isinstance(value, dict):
        percent = value.get("percent", 0)
        return Bound(
            seats=int(value.get("seats", 0)),
            percent=percentage(str(percent)),
            written=f"{{percent: {percent}, seats: {value.get('seats', 0)}}}",
        )
    if isinstance(value, str):
        return Bound(percent=percentage(value), written=value)
    return Bound(seats=int(value), percent=Fraction(0), written=str(value))


def _exceeds(minimum: Bound, maximum: Bound) -> bool:
    """Return whether the minimum is above the maximum for every number of usable seats, of at least one."""
    if minimum.percent <= maximum.percent:
        # The same share of many seats, or a larger one, satisfies both; without shares, the numbers decide.
        return not maximum.percent and minimum.seats > maximum.seats
    # A smaller share is below the minimum, so that only the maximum's number can satisfy both.
    return maximum.seats == 0 or minimum.seats > maximum.seats


_READERS = {
    "assignments": _assignments,
    "seats": _seats,
    "purchases": _purchases,
    "subscriptions": _subscriptions,
    "attributes": _attributes,
    "health": _health,
    "balance": _balance,
    "budget": _budget,
    "contracts": _contracts,
}
