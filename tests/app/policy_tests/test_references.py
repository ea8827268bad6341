"""Names in policy tests that refer to nothing, and things that a test lists twice."""

from pathlib import Path

import pytest

from auditor.app.policy_tests.runner import run_tests
from auditor.catalogue import builtin
from auditor.domain.errors import Diagnostic, InputError
from tests.builders.tenant.tenants import NOW

POLICY = "version: 1\npolicies: [{id: p, severity: low, assignments: {deny: [VISIOCLIENT]}}]\n"
ANN = "{userPrincipalName: ann@contoso.example, licenses: [SPE_E3]}"


def mistakes(folder: Path, given: str) -> list[Diagnostic]:
    (folder / "p.yaml").write_text(POLICY)
    (folder / "p_test.yaml").write_text(f"version: 1\ntests:\n  - name: t\n    expect: []\n    {given}\n")
    try:
        assert [outcome.passed for outcome in run_tests([folder], builtin(), as_of=NOW)] == [True]
    except InputError as error:
        return list(error.diagnostics)
    return []


def marked(diagnostic: Diagnostic) -> str:
    """Return the text from the marked column on."""
    assert diagnostic.span is not None
    return diagnostic.span.text[diagnostic.span.column - 1 :]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("products: [{skuPartNumber: SPE_E3}, {skuPartNumber: spe_e3, enabled: 2}]", "the product 'spe_e3'"),
        (
            "products: [{skuPartNumber: SPE_E3}, {skuId: 05E9A617-0261-4cee-bb44-138d3ef5d965}]",
            "the product '05E9A617-0261-4cee-bb44-138d3ef5d965'",
        ),
        (f"users: [{ANN}, {{userPrincipalName: b@x, id: Ann@contoso.example}}]", "the user 'Ann@contoso.example'"),
        ("groups: [{displayName: Sales}, {displayName: sales}]", "the group 'sales'"),
        ("subscriptions: [{id: s, skuPartNumber: SPE_E3}, {id: S, skuPartNumber: SPE_E5}]", "the subscription 'S'"),
    ],
)
def test_what_is_listed_twice_is_an_error(tmp_path: Path, given: str, message: str) -> None:
    (diagnostic,) = mistakes(tmp_path, f"given: {{{given}}}")
    assert (diagnostic.slug, str(diagnostic.message)) == ("test-duplicate", f"{message} is listed twice")


def test_tenant_that_is_listed_twice_is_an_error(tmp_path: Path) -> None:
    (diagnostic,) = mistakes(tmp_path, "tenants: [{name: a}, {name: b}, {name: a}]")
    assert str(diagnostic.message) == "the tenant 'a' is listed twice"
    assert marked(diagnostic) == "a}]"


@pytest.mark.parametrize(
    "given",
    [
        "groups: [{displayName: Sales, id: a}, {displayName: Sales, id: b}, {displayName: Sales}]",
        "products: [{skuPartNumber: NEW, skuId: a}, {skuPartNumber: NEW, skuId: b}]",
        "subscriptions: [{skuPartNumber: SPE_E3}, {skuPartNumber: SPE_E3}]",
        f"users: [{ANN}], groups: [{{displayName: G, members: [Ann@contoso.example, oslo]}}, {{displayName: Oslo}}]",
        f"users: [{ANN}], groups: [{{displayName: G, nested: [Oslo]}}, {{displayName: All, members: [Oslo]}}]",
        "groups: [{displayName: G, members: [ann@contoso.example]}]",
        f"users: [{ANN}], conditionalAccess: [{{include: [All, None, GuestsOrExternalUsers, ANN@contoso.example]}}]",
        "conditionalAccess: [{include: ['role:global administrator', 'guests:internalGuest', 'group:Break glass']}]",
        "conditionalAccess: [{include: ['role:62e90394-69f5-4237-9190-012177145e10', 'guests: internalguest']}]",
        "users: [{userPrincipalName: a@x, roles: [Custom]}], conditionalAccess: [{exclude: ['role:custom']}]",
        "products: [{skuPartNumber: OWN}], users: [{userPrincipalName: a@x, licenses: [{sku: own, via: [direct, G]}]}]",
    ],
)
def test_references_to_what_the_test_has_are_valid(tmp_path: Path, given: str) -> None:
    assert mistakes(tmp_path, f"given: {{{given}}}") == []


@pytest.mark.parametrize(
    ("given", "word", "hint"),
    [
        (f"users: [{ANN}], groups: [{{displayName: G, members: [an@contoso.example]}}]", "an@", "ann@contoso.example"),
        (f"users: [{ANN}], groups: [{{displayName: Oslo, transitiveMembers: [Olso]}}]", "Olso", "Oslo"),
        (f"users: [{ANN}], conditionalAccess: [{{include: [an@contoso.example]}}]", "an@", "ann@contoso.example"),
        ("conditionalAccess: [{include: [Al]}]", "Al", "All"),
        ("conditionalAccess: [{include: [All], exclude: ['grp:X']}]", "'grp:X", "group"),
        ("conditionalAccess: [{include: ['role:Global Administrators']}]", "'role:Global", "Global Administrator"),
        ("conditionalAccess: [{include: ['guests:internalGuests']}]", "'guests:", "internalGuest"),
    ],
)
def test_reference_to_nobody_is_an_error_with_a_suggestion(tmp_path: Path, given: str, word: str, hint: str) -> None:
    (diagnostic,) = mistakes(tmp_path, f"given: {{{given}}}")
    assert diagnostic.slug == "test-unknown-name"
    assert marked(diagnostic).startswith(word)
    assert str(diagnostic.hint) == f"did you mean '{hint}'?"


@pytest.mark.parametrize(
    "item", ["nobody@fabrikam.example", "'role:Zookeeper'", "'guests:martian'", "'martian:X'", "'guests:'"]
)
def test_reference_that_resembles_nothing_has_a_hint_too(tmp_path: Path, item: str) -> None:
    (diagnostic,) = mistakes(tmp_path, f"given: {{conditionalAccess: [{{include: [{item}]}}]}}")
    assert "did you mean" not in str(diagnostic.hint or "did you mean")


@pytest.mark.parametrize(
    "given",
    [
        "users: [{userPrincipalName: a@x, licenses: [SPE_E33]}]",
        "users: [{userPrincipalName: a@x, licenses: [{sku: SPE_E33}]}]",
        "groups: [{displayName: G, licenses: [SPE_E33]}]",
        "subscriptions: [{skuPartNumber: SPE_E33}]",
        "history: [{asOf: 2026-11-01, subscriptions: [{skuPartNumber: SPE_E33}]}]",
    ],
)
def test_unknown_product_is_marked_where_it_is_written(tmp_path: Path, given: str) -> None:
    (diagnostic,) = mistakes(tmp_path, f"given: {{{given}}}")
    assert diagnostic.slug == "test-unknown-product"
    assert marked(diagnostic).startswith("SPE_E33")
    assert "did you mean 'SPE_E3'" in str(diagnostic.hint)


def test_product_that_resembles_one_of_the_test_is_suggested(tmp_path: Path) -> None:
    given = "given: {products: [{skuPartNumber: OWN_THING}], groups: [{displayName: G, licenses: [OWN_THNG]}]}"
    (diagnostic,) = mistakes(tmp_path, given)
    assert str(diagnostic.hint) == "did you mean 'OWN_THING'?"
