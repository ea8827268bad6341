"""Names of populations and product sets: precedence, text form, unknown names and circular references."""

import pytest

from auditor.domain.errors import InputError
from auditor.domain.policy.model import Assignments
from auditor.domain.policy.product_set import Builtin, Named, ProductSet, Sku, SkuGlob, WithService, leaves
from auditor.policy.loader import Loaded, load


def loaded(text: str) -> Loaded:
    return load([("p.yaml", f"version: 1\n{text}".encode())])


def allowed(element: str, products: str = "{}") -> ProductSet:
    text = f"products: {products}\npolicies: [{{id: a, severity: low, assignments: {{allow: {element}}}}}]"
    (policy,) = loaded(text.replace("products: {}\n", "")).policies.policies
    assert isinstance(policy.constraint, Assignments)
    assert policy.constraint.allow is not None
    return policy.constraint.allow


def mistakes(text: str) -> list[tuple[str, int, str | None]]:
    with pytest.raises(InputError) as caught:
        loaded(text)
    return [(item.slug, item.span.line if item.span else 0, item.hint) for item in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("element", "expected", "written"),
    [
        ("SPE_E3", (Sku(name="SPE_E3"),), "SPE_E3"),
        ("05e9a617-0261-4cee-bb44-138d3ef5d965", (Sku(name="05e9a617-0261-4cee-bb44-138d3ef5d965"),), "05e9a617-0261-4cee-bb44-138d3ef5d965"),
        ("'VISIO*'", (SkuGlob(pattern="VISIO*"),), "VISIO*"),
        ("'*'", (Builtin(name="*"),), "*"),
        ("paid", (Builtin(name="paid"),), "paid"),
        # Names are compared exactly: this is a part number.
        ("Paid", (Sku(name="Paid"),), "Paid"),
        ("{withService: TEAMS1}", (WithService(plan="TEAMS1"),), "withService:TEAMS1"),
        ("[SPE_E3, {withService: TEAMS1}, free]", (Sku(name="SPE_E3"), WithService(plan="TEAMS1"), Builtin(name="free")), "SPE_E3|withService:TEAMS1|free"),
        ("[]", (), ""),
    ],
)  # fmt: skip
def test_kinds_of_product_set_elements(element: str, expected: tuple[object, ...], written: str) -> None:
    product_set = allowed(element)
    assert (product_set.elements, product_set.written) == (expected, written)


def test_defined_name_precedes_part_number_and_glob() -> None:
    product_set = allowed("[SPE_E3, 'V*']", "{SPE_E3: [SPE_E5], 'V*': [VISIOCLIENT]}")
    assert [type(element) for element in product_set.elements] == [Named, Named]
    assert leaves(product_set.elements) == (Sku(name="SPE_E5"), Sku(name="VISIOCLIENT"))
    assert product_set.written == "SPE_E3|V*"


def test_product_sets_can_be_nested_and_shared() -> None:
    product_set = allowed("[all, one]", "{all: [one, two], one: [A], two: [one, B]}")
    assert leaves(product_set.elements) == (Sku(name="A"), Sku(name="B"))


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("populations: {a: a}", "policy-circular-name"),
        ("populations: {a: {not: b}, b: {all: [c]}, c: {population: a}}", "policy-circular-name"),
        ("products: {a: a}", "policy-circular-name"),
        ("products: {a: [b], b: [SPE_E3, c], c: [a]}", "policy-circular-name"),
        ("products: {free: [free]}", "policy-circular-name"),
        ("products: {free: [x], x: [paid]}", "policy-circular-name"),
        ("products: {trial: [SPE_E3]}", "policy-name-taken"),
        ("products: {'*': [SPE_E3]}", "policy-name-taken"),
        ("populations: {a: nobody}", "policy-unknown-population"),
    ],
)
def test_invalid_names_are_reported_once_even_if_unused(text: str, slug: str) -> None:
    assert [reported for reported, _, _ in mistakes(text)] == [slug]


def test_unknown_population_lists_the_defined_ones() -> None:
    (mistake,) = mistakes(
        "populations: {staff: {}, guests: {}}\npolicies: [{id: a, severity: low, users: zzzzz, budget: {limit: 1}}]"
    )
    assert mistake == ("policy-unknown-population", 3, "populations that are defined: guests, staff")


def test_sign_in_name_in_place_of_a_population_is_corrected() -> None:
    (mistake,) = mistakes("policies: [{id: a, severity: low, users: ann@contoso.example, budget: {limit: 1}}]")
    assert mistake == ("policy-unknown-population", 2, "write {userPrincipalName: ann@contoso.example}")


def test_error_in_a_population_is_reported_once_for_all_uses() -> None:
    use = "policies:\n" + "".join(f"- {{id: p{n}, severity: low, users: a, budget: {{limit: 1}}}}\n" for n in range(5))
    assert len(mistakes("populations: {a: b}\n" + use)) == 1


def test_long_chain_of_names_is_not_circular() -> None:
    chain = ", ".join(f"p{number}: {{not: p{number + 1}}}" for number in range(60))
    assert loaded(f"populations: {{{chain}, p60: {{city: Oslo}}}}").warnings == ()


def test_mentions_have_the_tenants_of_their_policy() -> None:
    text = (
        "policies:\n"
        "- {id: a, severity: low, tenants: [contoso], assignments: {deny: [ODD_ONE]}}\n"
        "- {id: b, severity: low, balance: {of: [ODD_TWO], spare: {min: 1, max: 2}}}\n"
        "- {id: c, severity: low, users: {holds: ODD_THREE}, assignments: {services: {deny: [ODD_PLAN]}}}\n"
    )
    mentions = {(item.kind, item.name, item.tenants, item.fleet) for item in loaded(text).policies.mentions}
    assert mentions == {
        ("product", "ODD_ONE", ("contoso",), False),
        ("product", "ODD_TWO", None, True),
        ("product", "ODD_THREE", None, False),
        ("service", "ODD_PLAN", None, False),
    }
