"""Finds names in policy tests that refer to nothing, and things that a test lists twice."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from auditor.app.policy_tests.groups import fixture_id
from auditor.app.policy_tests.products import Products, listed_id
from auditor.catalogue import Catalogue, suggest
from auditor.catalogue.directory_roles import builtin_role_ids, builtin_roles
from auditor.catalogue.model import GUID
from auditor.domain.errors import Diagnostic
from auditor.domain.message import Message
from auditor.domain.similar_name import did_you_mean
from auditor.policy.nodes import Diagnostics, Node
from auditor.policy.unknown_names import intended_product

_GROUPS_OF_USERS: Final = frozenset({"all", "none", "guestsorexternalusers"})
"""The values besides ids that Graph has in the lists of users of Conditional Access policies."""
_GUEST_KINDS: Final = (
    *("internalGuest", "b2bCollaborationGuest", "b2bCollaborationMember"),
    *("b2bDirectConnectUser", "otherExternalUser", "serviceProvider"),
)
"""Graph's `guestOrExternalUserTypes`."""


def reference_mistakes(tenants: Iterable[Node], catalogue: Catalogue) -> list[Diagnostic]:
    """Return the mistakes in the descriptions of a test's tenants, in the order of the file within each kind."""
    diagnostics = Diagnostics()
    tenants = tuple(tenants)
    names = [(tenant["name"], tenant.text("name")) for tenant in tenants if tenant.has("name")]
    _report_duplicates(names, lambda name: Message("the tenant '{name}' is listed twice", name=name), diagnostics)
    for tenant in tenants:
        _report_things_listed_twice(tenant, catalogue, diagnostics)
        _report_unknown_products(tenant, catalogue, diagnostics)
        _report_unknown_members(tenant, diagnostics)
        _report_unknown_conditions(tenant, diagnostics)
    return diagnostics.items


def _report_things_listed_twice(tenant: Node, catalogue: Catalogue, diagnostics: Diagnostics) -> None:
    products = ((item, listed_id(item.value, catalogue)) for item in tenant.each_of("products"))
    users = ((item, (item.text("id") or item.text("userPrincipalName")).casefold()) for item in tenant.each_of("users"))
    groups = (
        (item, item.text("id").casefold() or fixture_id("group", item.text("displayName").casefold()))
        for item in tenant.each_of("groups")
    )
    subscriptions = ((item, item.text("id").casefold()) for item in tenant.each_of("subscriptions") if item.has("id"))
    _report_duplicates(products, lambda name: Message("the product '{name}' is listed twice", name=name), diagnostics)
    _report_duplicates(users, lambda name: Message("the user '{name}' is listed twice", name=name), diagnostics)
    _report_duplicates(groups, lambda name: Message("the group '{name}' is listed twice", name=name), diagnostics)
    _report_duplicates(
        subscriptions, lambda name: Message("the subscription '{name}' is listed twice", name=name), diagnostics
    )


def _report_duplicates(
    items: Iterable[tuple[Node, str]], message: Callable[[str], Message], diagnostics: Diagnostics
) -> None:
    """Report nodes with an identity that an earlier node has."""
    first: dict[str, Node] = {}
    for node, identity in items:
        earlier = first.setdefault(identity, node)
        if earlier is not node:
            diagnostics.duplicate("test-duplicate", message(_name(node)), node, earlier.span())


def _name(node: Node) -> str:
    keys = ("id", "userPrincipalName", "displayName", "skuPartNumber", "skuId")
    return str(node.value) if isinstance(node.value, str) else next(filter(None, map(node.text, keys)))


def _report_unknown_products(tenant: Node, catalogue: Catalogue, diagnostics: Diagnostics) -> None:
    products = Products.of(tenant.value, catalogue)
    for node in _products(tenant):
        name = str(node.value)
        if products.knows(name):
            continue
        listed = [item.text(key) for item in tenant.each_of("products") for key in ("skuPartNumber", "skuId")]
        hint = did_you_mean(name, filter(None, listed))
        report_unknown_product(name, node, catalogue, diagnostics, hint=hint)


def report_unknown_product(
    name: str, node: Node, catalogue: Catalogue, diagnostics: Diagnostics, *, hint: Message | None = None
) -> None:
    """Report a product that neither the test nor the catalogue has; without `hint`, suggest one of the catalogue."""
    diagnostics.error(
        "test-unknown-product",
        Message("neither the test's products nor the catalogue has '{name}'", name=name),
        node,
        hint or _similar_product(name, catalogue),
    )


def _similar_product(name: str, catalogue: Catalogue) -> Message:
    """Return a hint that suggests a product of the catalogue, or to list the product in the test."""
    hint = intended_product(suggest(catalogue, name))
    return hint or Message("list it under `products` of the test, with its service plans if they matter")


def _products(tenant: Node) -> Iterator[Node]:
    """Yield every reference to a product."""
    for user in tenant.each_of("users"):
        for licence in user.each_of("licenses"):
            yield licence["sku"] if isinstance(licence.value, dict) else licence
    for group in tenant.each_of("groups"):
        yield from group.each_of("licenses")
    for holder in (tenant, *tenant.each_of("history")):
        for subscription in holder.each_of("subscriptions"):
            key = "skuId" if subscription.text("skuId") else "skuPartNumber"
            yield from [subscription[key]] if subscription.has(key) else []


def _report_unknown_members(tenant: Node, diagnostics: Diagnostics) -> None:
    """Report members that the test does not have; without users, members are only counted and may be anybody."""
    users, groups = _user_names(tenant), _group_names(tenant)
    if not users:
        return
    known = {name.casefold() for name in (*users, *groups)}
    for group in tenant.each_of("groups"):
        for key in ("members", "transitiveMembers"):
            for member in group.each_of(key):
                if str(member.value).casefold() not in known:
                    diagnostics.error(
                        "test-unknown-name",
                        Message("the test has no user or group '{name}'", name=member.value),
                        member,
                        did_you_mean(str(member.value), (*users, *groups)) or _LIST_USER,
                    )


def _report_unknown_conditions(tenant: Node, diagnostics: Diagnostics) -> None:
    """Report names in Conditional Access policies; groups may be named here only, and are then empty."""
    users = _user_names(tenant)
    for policy in tenant.each_of("conditionalAccess"):
        for item in (*policy.each_of("include"), *policy.each_of("exclude")):
            prefix, colon, rest = str(item.value).partition(":")
            name = rest.strip()
            if not colon:
                _report_unknown_user(item, users, diagnostics)
            elif prefix == "role":
                _report_unknown_role(item, name, _custom_roles(tenant), diagnostics)
            elif prefix == "guests":
                _report_unknown_guests(item, name, diagnostics)
            elif prefix != "group":
                diagnostics.error(
                    "test-unknown-name",
                    Message("'{name}' does not start with `group:`, `role:` or `guests:`", name=item.value),
                    item,
                    did_you_mean(prefix, ("group", "role", "guests"))
                    or Message("write group:NAME, role:NAME, guests:KIND, a user, or All"),
                )


def _report_unknown_user(item: Node, users: Iterable[str], diagnostics: Diagnostics) -> None:
    name = str(item.value)
    if name.casefold() not in {*map(str.casefold, users), *_GROUPS_OF_USERS}:
        hint = did_you_mean(name, (*users, "All", "GuestsOrExternalUsers")) or _LIST_USER
        diagnostics.error("test-unknown-name", Message("the test has no user '{name}'", name=name), item, hint)


def _report_unknown_role(item: Node, name: str, custom: Iterable[str], diagnostics: Diagnostics) -> None:
    folded = name.casefold()
    if folded not in {*builtin_role_ids(), *map(str.casefold, custom)} and not GUID.fullmatch(folded):
        names = sorted({*(role.name for role in builtin_roles().values()), *custom})
        hint = Message("write the English name of a built-in role, or the id of a custom role")
        message = Message("there is no built-in role '{name}'", name=name)
        diagnostics.error("test-unknown-name", message, item, did_you_mean(name, names) or hint)


def _report_unknown_guests(item: Node, names: str, diagnostics: Diagnostics) -> None:
    known = set(map(str.casefold, _GUEST_KINDS))
    for name in (part.strip() for part in names.split(",")):
        if name.casefold() not in known:
            hint = Message("kinds of guests: {known}", known=", ".join(_GUEST_KINDS))
            message = Message("there is no kind of guests '{name}'", name=name)
            diagnostics.error("test-unknown-name", message, item, did_you_mean(name, _GUEST_KINDS) or hint)


_LIST_USER: Final = Message("correct the name, or list the user under `users` of the test")


def _user_names(tenant: Node) -> tuple[str, ...]:
    names = [user.text(key) for user in tenant.each_of("users") for key in ("userPrincipalName", "id")]
    return tuple(dict.fromkeys(filter(None, names)))


def _group_names(tenant: Node) -> tuple[str, ...]:
    """Return the names and ids of all groups that the test lists or to which its users and groups refer."""
    names: list[str] = []
    for group in tenant.each_of("groups"):
        names += [group.text("displayName"), group.text("id"), *group.texts("memberOf"), *group.texts("nested")]
    for user in tenant.each_of("users"):
        names += user.texts("memberOf")
        for licence in user.each_of("licenses"):
            if isinstance(licence.value, dict) and licence.has("via"):
                names += [str(via.value) for via in licence["via"].one_or_each()]
    return tuple(dict.fromkeys(filter(None, names)))


def _custom_roles(tenant: Node) -> tuple[str, ...]:
    """Return the roles that users of the test have: those that are not built in are custom roles of the tenant."""
    return tuple(
        role for user in tenant.each_of("users") for key in ("roles", "eligibleRoles") for role in user.texts(key)
    )
