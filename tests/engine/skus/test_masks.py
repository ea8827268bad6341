"""A product set has the same members wherever they are needed, as the oracle says, also with unknown facts."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.checks.registry import all_checks
from auditor.domain.policy.model import Assignments
from auditor.domain.policy.product_set import ProductSet
from auditor.engine.policy.binding import BoundPolicies, bind, set_members
from auditor.engine.skus.masks import surely_contains
from auditor.engine.tenant_facts import TenantFacts
from auditor.policy.loader import load
from tests.oracle.adapter import catalogue_of, files, snapshot
from tests.oracle.products import contains, written
from tests.oracle.strategies import Scenario, scenarios
from tests.oracle.strategies.selectors import product_sets
from tests.oracle.truth import Truth
from tests.oracle.words import audit_instant
from tests.oracle.world import World
from tests.oracle.world import bind as book_of

pytestmark = pytest.mark.slow

_SETS = st.lists(product_sets(), min_size=1, max_size=4, unique_by=written)


def requiring(scenario: Scenario, sets: Sequence[Any]) -> Scenario:
    """The run with one policy that requires the sets, beside those that it has."""
    policy = {
        "id": "sets",
        "title": "Sets",
        "severity": "low",
        "rationale": "r",
        "assignments": {"require": list(sets)},
    }
    return replace(scenario, documents=[*scenario.documents, {"version": 1, "policies": [policy]}])


def bound_to(scenario: Scenario, tenant: dict[str, Any]) -> tuple[BoundPolicies, World]:
    """The policies of a run bound to a tenant, and the oracle's view of the same tenant."""
    policies, catalogue = load(files(scenario.documents)).policies, catalogue_of(scenario.catalogue)
    facts = TenantFacts(snapshot(tenant, scenario), catalogue, policies, scenario.as_of)
    book = book_of(scenario.documents, scenario.catalogue)
    world = World(tenant=tenant, book=book, catalogue=scenario.catalogue, now=audit_instant(scenario.as_of))
    return bind(policies, facts, all_checks()), world


def required(bound: BoundPolicies) -> tuple[ProductSet, ...]:
    blocks = (policy.constraint for policy in bound.policies if policy.id == "sets")
    return next(block.require for block in blocks if isinstance(block, Assignments))


def truth(true: object, unknown: object) -> Truth:
    assert not (true and unknown)
    return None if unknown else bool(true)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(blocks=("seats",)), _SETS)
def test_members_of_product_sets_are_those_of_the_oracle(scenario: Scenario, sets: list[Any]) -> None:
    scenario = requiring(scenario, sets)
    for tenant in scenario.tenants:
        bound, world = bound_to(scenario, tenant)
        facts, recorded = bound.facts, {item.written: item.sku_ids for item in set_members(bound) or ()}
        for product_set, products in zip(sets, required(bound), strict=True):
            expected = {sku.sku_id: contains(world, product_set, sku.sku_id) for sku in facts.every_sku}
            mask = bound.masks.of(products)
            assert {
                sku.sku_id: truth(mask.true[index], mask.unknown[index]) for index, sku in enumerate(facts.skus)
            } == {sku.sku_id: expected[sku.sku_id] for sku in facts.skus}
            for sku in facts.every_sku:
                contained = bound.contains(products, sku)
                assert truth(contained.true[0], contained.unknown[0]) is expected[sku.sku_id]
            with_seats = {sku.sku_id for sku in facts.assignable_skus if sku.usable}
            members = {sku_id for sku_id in with_seats if expected[sku_id] is True}
            assert {sku.sku_id for sku in bound.with_seats(products)} == members
            if products.written in recorded:
                assert set(recorded[products.written]) == members


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(blocks=("seats",)), _SETS)
def test_saved_result_contains_a_product_surely_only_if_the_tenant_does(scenario: Scenario, sets: list[Any]) -> None:
    scenario = requiring(scenario, sets)
    for tenant in scenario.tenants:
        bound, world = bound_to(scenario, tenant)
        facts = bound.facts
        for product_set, products in zip(sets, required(bound), strict=True):
            for sku in (sku for sku in facts.every_sku if world.product_row(sku.sku_id) is None):
                surely = surely_contains(facts.catalogue, facts.policies, products, sku.sku_id, sku.part_number)
                expected = contains(world, product_set, sku.sku_id)
                assert surely is (expected is True) or (expected is True and "trial" in written(product_set))
