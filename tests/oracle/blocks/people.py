"""The constraint blocks about users and licensed groups: `assignments`, `attributes` and `health`."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from tests.oracle.products import contains, distinctive_plans, is_plan, written
from tests.oracle.selection.selectors import User, licensed, one_of, selects
from tests.oracle.truth import Truth, conj, disj, neg
from tests.oracle.verdict import NOT_EVALUATED, Claim, Document
from tests.oracle.words import is_guid
from tests.oracle.world import UNKNOWN, World


def user_claims(world: World, policy: Document, judge_user: Any, *, default: Any = None) -> Iterator[Claim]:
    """The claims about every user; a claim is unknown if the user's membership of the population is unknown."""
    if world.unread("users"):
        yield NOT_EVALUATED
        return
    if world.source("users") == "partial":
        yield NOT_EVALUATED
    for user in world.rows("users"):
        inside = selects(world, policy["users"], user) if "users" in policy else (default or _everyone)(world, user)
        for claim in judge_user(user):
            yield replace(claim, truth=conj([inside, claim.truth]), user=user, subject=("user", user["id"]))


def _everyone(_world: World, _user: User) -> Truth:
    return True


# ---- assignments


def assignments(world: World, policy: Document) -> Iterator[Claim]:
    block = policy["assignments"]

    def of_user(user: User) -> Iterator[Claim]:
        held = world.licenses(user)
        if held is None:
            yield NOT_EVALUATED
            return
        memberships = {sku: contains(world, block.get("of", "*"), sku) for sku in held}
        for sku, inside in memberships.items():
            yield from _of_sku(world, block, user, sku, inside, held)
        for element in block.get("require", []):
            yield _missing(world, element, held)
        for group in block.get("exclusive", []):
            yield _overlap(world, group, memberships)
        yield from _services(world, block.get("services", {}), user)

    yield from user_claims(world, policy, of_user)


def _of_sku(world: World, block: Document, user: User, sku: str, inside: Truth, held: Any) -> Iterator[Claim]:
    if "allow" in block:
        outside = neg(contains(world, block["allow"], sku))
        yield Claim(truth=conj([inside, outside]), check="assignment.not-allowed", product=sku)
    if "deny" in block:
        denied = contains(world, block["deny"], sku)
        yield Claim(truth=conj([inside, denied]), check="assignment.denied", product=sku)
    if "redundant" in block:
        container = _container(world, sku, held)
        if container is not None:
            yield Claim(truth=inside, check="assignment.redundant", product=sku, detail=world.label(container))
    paths = world.paths(user, sku)
    if "via" in block:
        wrong_path = (
            None
            if paths is None
            else any(bool(row.get("assignedByGroup")) is (block["via"] == "direct") for row in paths)
        )
        yield Claim(truth=conj([inside, wrong_path]), check="assignment.path", product=sku)
    if "duplicates" in block:
        duplicated = None if paths is None else len({row.get("assignedByGroup") or "" for row in paths}) >= 2
        yield Claim(truth=conj([inside, duplicated]), check="assignment.duplicate", product=sku)


def _missing(world: World, element: Any, held: Any) -> Claim:
    lacking = neg(disj(contains(world, element, sku) for sku in held))
    # Only a finding needs the SKUs that would have satisfied the element: a waiver's products are compared with them.
    skus = {} if lacking is False else {sku: contains(world, element, sku) for sku in _known_skus(world)}
    return Claim(truth=lacking, check="assignment.missing", product=("written", written(element)), skus=skus)


def _known_skus(world: World) -> set[str]:
    """Every SKU of the tenant or the catalogue."""
    skus = {sku.lower() for sku in world.catalogue.skus}
    skus |= {row["skuId"].lower() for row in world.rows("subscribedSkus")}
    for user in world.rows("users"):
        skus |= set(world.licenses(user) or {})
        skus |= {row["skuId"].lower() for row in world.states(user) or []}
    return skus


def _overlap(world: World, elements: list[Any], memberships: dict[str, Truth]) -> Claim:
    inside = [
        {left_sku: conj([judged, contains(world, element, left_sku)]) for left_sku, judged in memberships.items()}
        for element in elements
    ]
    pairs: list[Truth] = []
    for first, left in enumerate(inside):
        for second, right in enumerate(inside):
            for left_sku in memberships:
                pairs.extend(
                    conj([left[left_sku], right[right_sku]])
                    for right_sku in memberships
                    if first != second and left_sku != right_sku
                )
    truth = disj(pairs)
    in_any = {left_sku: disj(element[left_sku] for element in inside) for left_sku in memberships}
    if truth is True and None in in_any.values():
        # There certainly is an overlap, but which part numbers belong to it is unknown.
        truth = None
    parts = sorted({world.label(left_sku) for left_sku, judged in in_any.items() if judged})
    return Claim(truth=truth, check="assignment.overlap", detail="+".join(parts))


def _container(world: World, sku: str, held: Any) -> str | None:
    """The held SKU with all plans of this SKU; if there are several, that with most plans, then the smallest skuId."""
    plans = distinctive_plans(world, sku)
    if not plans:
        return None
    best: str | None = None
    most = -1
    for candidate in sorted(held):
        candidate_plans = distinctive_plans(world, candidate)
        if (
            candidate == sku
            or candidate_plans is None
            or not plans <= candidate_plans
            or (plans == candidate_plans and sku < candidate)
        ):
            continue
        if len(candidate_plans) > most:
            best, most = candidate, len(candidate_plans)
    return best


def _services(world: World, services: Document, user: User) -> Iterator[Claim]:
    for plan in services.get("require", []):
        yield Claim(truth=neg(_enabled(world, user, plan)), check="service.missing", detail=plan)
    for plan in services.get("deny", []):
        yield Claim(truth=_enabled(world, user, plan), check="service.denied", detail=plan)


def _enabled(world: World, user: User, plan: str) -> Truth:
    """Whether a service plan is enabled for the user by any held SKU."""
    held = world.licenses(user)
    if held is None:
        return None
    answers: list[Truth] = []
    for sku, disabled in held.items():
        paths = world.paths(user, sku)
        disabled_plans = [disabled] if paths is None else [
            [disabled_plan.lower() for disabled_plan in row.get("disabledPlans") or []] for row in paths
        ]  # fmt: skip
        plans = world.plans(sku)
        if plans is not None:
            answers.append(
                any(
                    is_plan(plan, candidate) and any(candidate[0] not in off for off in disabled_plans)
                    for candidate in plans
                )
            )
        elif not disabled_plans or (is_guid(plan) and all(plan.lower() in off for off in disabled_plans)):
            answers.append(False)
        else:
            answers.append(None)
    return disj(answers)


# ---- attributes


def attributes(world: World, policy: Document) -> Iterator[Claim]:
    block = policy["attributes"]

    def of_user(user: User) -> Iterator[Claim]:
        for name in block.get("require", []):
            value = world.fact(user, name)
            absent = None if value is UNKNOWN else value is None
            yield Claim(truth=absent, check="attribute.missing", detail=name)
        for name, allowed in block.get("allow", {}).items():
            value = world.fact(user, name)
            listed = allowed if isinstance(allowed, list) else [allowed]
            not_allowed = None if value is UNKNOWN else value is not None and not one_of(value, listed)
            yield Claim(truth=not_allowed, check="attribute.not-allowed", detail=name)

    yield from user_claims(world, policy, of_user, default=licensed)


# ---- health


def health(world: World, policy: Document) -> Iterator[Claim]:
    block = policy["health"]

    def of_user(user: User) -> Iterator[Claim]:
        rows = world.states(user)
        if rows is None:
            yield NOT_EVALUATED
            return
        for row in rows:
            error = row.get("error")
            if error is None or error == "None":
                continue
            group = row.get("assignedByGroup")
            detail = f"{error}@{group}" if group else error
            yield Claim(truth=True, check="assignment.error", product=row["skuId"].lower(), detail=detail)

    if "errors" in block:
        yield from user_claims(world, policy, of_user)
    if "groups" in block:
        yield from _groups(world)
    if not {"nested", "paused", "empty"}.isdisjoint(block):
        yield from _group_kinds(world, block)


def _group_kinds(world: World, block: Document) -> Iterator[Claim]:
    if world.source("groups") != "complete":
        yield NOT_EVALUATED
    for group in world.rows("groups"):
        if not group.get("assignedLicenses"):
            continue
        subject = ("group", group["id"])
        hidden = group.get("visibility") == "HiddenMembership"
        nested, count, types = group.get("nestedGroups"), group.get("memberCount"), group.get("groupTypes")
        if "nested" in block:
            truth = True if nested else None if nested is None or hidden else False
            yield Claim(truth=truth, check="group.nested", subject=subject)
        if "paused" in block:
            state = {"Paused": True, "On": False}.get(str(group.get("membershipRuleProcessingState")))
            truth = None if types is None else state if "DynamicMembership" in types else False
            yield Claim(truth=truth, check="group.paused", subject=subject)
        if "empty" in block:
            truth = None if hidden or count is None else count == 0
            yield Claim(truth=truth, check="group.empty", subject=subject)


def _groups(world: World) -> Iterator[Claim]:
    if world.source("groups") != "complete":
        yield NOT_EVALUATED
    for group in world.rows("groups"):
        if not group.get("assignedLicenses"):
            continue
        subject = ("group", group["id"])
        failing = group.get("hasMembersWithLicenseErrors")
        yield Claim(truth=failing, check="group.license-errors", subject=subject)
        state = (group.get("licenseProcessingState") or {}).get("state")
        truth = None if state is None else state != "ProcessingComplete"
        yield Claim(truth=truth, check="group.processing", subject=subject, detail=state)
