"""Policy tests: missing and unexpected findings, outcomes, waivers, and errors in test files."""

from pathlib import Path

import pytest

from auditor.app.policy_tests.runner import PolicyTestOutcome, never_matched, run_tests
from auditor.catalogue import builtin
from auditor.domain.errors import InputError, Level, UsageError
from tests.builders.service.command_line import call
from tests.builders.tenant.tenants import NOW

POLICIES = """\
version: 1
policies:
- {id: stores, severity: high, tenants: [contoso], users: {department: Store}, assignments: {allow: [SPE_F1, free], require: [SPE_F1]}}
- {id: spare, severity: low, seats: {of: [SPE_E5], spare: {min: 2}}}
waivers:
- {id: w, policies: [stores], users: {userPrincipalName: pilot@contoso.example}, tenants: [contoso], reason: r, owner: o, expires: 2027-01-31}
"""
GIVEN = "{products: [{skuPartNumber: SPE_E5, enabled: 10}], users: [{userPrincipalName: ann@contoso.example, department: Store, licenses: [SPE_E5]}]}"
DENIED = "{policy: stores, check: assignment.not-allowed, user: ann@contoso.example, product: SPE_E5}"
MISSING = "{policy: stores, check: assignment.missing, user: ANN@contoso.example, product: SPE_F1}"


def verdicts(folder: Path, *tests: str, policies: str = POLICIES) -> list[PolicyTestOutcome]:
    (folder / "stores.yaml").write_text(policies)
    (folder / "stores_test.yaml").write_text(
        "version: 1\ntests:\n" + "".join(f"- {{name: t, {test}}}\n" for test in tests)
    )
    return list(run_tests([folder], builtin(), as_of=NOW))


def single_verdict(folder: Path, test: str) -> PolicyTestOutcome:
    (verdict,) = verdicts(folder, test)
    return verdict


def test_expected_findings_pass(tmp_path: Path) -> None:
    assert single_verdict(tmp_path, f"asOf: 2026-11-20, given: {GIVEN}, expect: [{DENIED}, {MISSING}]").passed


def test_missing_finding_fails(tmp_path: Path) -> None:
    other_product = DENIED.replace("SPE_E5", "SPE_E3")
    verdict = single_verdict(tmp_path, f"given: {GIVEN}, expect: [{DENIED}, {MISSING}, {other_product}]")
    assert (len(verdict.missing), verdict.unexpected) == (1, ())
    ((text, span),) = verdict.missing
    assert "SPE_E3" in text
    assert span.text[span.column - 1 :].startswith(other_product)


def test_partial_allows_unexpected_but_not_missing_findings(tmp_path: Path) -> None:
    assert single_verdict(tmp_path, f"given: {GIVEN}, partial: true, expect: [{DENIED}]").passed
    other_product = DENIED.replace("SPE_E5", "SPE_E3")
    assert not single_verdict(tmp_path, f"given: {GIVEN}, partial: true, expect: [{other_product}]").passed


def test_policy_test_without_policies_is_an_error(tmp_path: Path) -> None:
    """Without policies, `expect: []` would always pass."""
    (tmp_path / "stores.yaml").write_text(POLICIES)
    (tmp_path / "shops_test.yaml").write_text("version: 1\ntests:\n- {name: t, given: {users: []}, expect: []}\n")
    with pytest.raises(InputError, match="has no policies") as caught:
        list(run_tests([tmp_path], builtin(), as_of=NOW))
    assert caught.value.slug == "test-no-policy"


def test_empty_expectation_requires_no_findings(tmp_path: Path) -> None:
    assert not single_verdict(tmp_path, f"given: {GIVEN}, expect: []").passed
    assert single_verdict(tmp_path, "given: {users: [{userPrincipalName: bob@contoso.example}]}, expect: []").passed


@pytest.mark.parametrize(
    ("change", "matches"),
    [
        ("detail: null", True),
        ("detail: x", False),
        ("status: open", True),
        ("status: waived", False),
        ("product: 06EBC4EE-1BB5-47DD-8120-11324BC54E06", True),
        ("product: null", False),
        ("user: bob@contoso.example", False),
        ("group: ann@contoso.example", False),
    ],
)
def test_every_property_of_an_expectation_must_match(tmp_path: Path, change: str, *, matches: bool) -> None:
    key = change.partition(":")[0]
    unchanged = [entry for entry in DENIED.strip("{}").split(", ") if not entry.startswith(f"{key}:")]
    expected = "{" + ", ".join([*unchanged, change]) + "}"
    assert single_verdict(tmp_path, f"given: {GIVEN}, partial: true, expect: [{expected}]").passed is matches


def test_waivers_apply_in_policy_tests(tmp_path: Path) -> None:
    pilot = GIVEN.replace("ann@", "pilot@")
    waived = [
        text.replace("ann@", "pilot@").replace("ANN@", "pilot@").replace("}", ", status: waived}")
        for text in (DENIED, MISSING)
    ]
    assert single_verdict(
        tmp_path, f"given: {pilot}, expect: [{', '.join(waived)}], outcomes: {{stores: waived}}"
    ).passed


def test_expected_outcomes_are_compared(tmp_path: Path) -> None:
    unread = GIVEN.replace("{products", "{unknown: [department], products")
    assert single_verdict(tmp_path, f"given: {unread}, outcomes: {{stores: not-evaluated, spare: pass}}").passed
    verdict = single_verdict(tmp_path, f"given: {GIVEN}, outcomes: {{stores: pass}}")
    assert [text for text, _ in verdict.missing] == ["outcome of stores: expected pass, got fail"]


def test_several_tenants_are_matched_by_name(tmp_path: Path) -> None:
    tenants = ", ".join(GIVEN.replace("{products", f"{{name: {name}, products") for name in ("contoso", "fabrikam"))
    expected = ", ".join(text.replace("}", ", tenant: contoso}") for text in (DENIED, MISSING))
    assert single_verdict(tmp_path, f"tenants: [{tenants}], expect: [{expected}]").passed


def test_as_of_of_a_policy_test_is_used(tmp_path: Path) -> None:
    policies = (
        "version: 1\npolicies: [{id: p, severity: low, users: {createdWithin: 7d}, assignments: {require: [SPE_E3]}}]"
    )
    fixture = "given: {users: [{userPrincipalName: a@x.example, createdDateTime: 2026-11-18T00:00:00Z}]}"
    results = verdicts(
        tmp_path,
        f"asOf: 2026-11-20, {fixture}, outcomes: {{p: fail}}",
        f"asOf: 2026-12-20T00:00:00+01:00, {fixture}, outcomes: {{p: pass}}",
        policies=policies,
    )
    assert [verdict.passed for verdict in results] == [True, True]


def test_policy_test_may_select_policies_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(
        "version: 1\npolicies: [{id: other, severity: low, purchases: {deny: [SPE_E5]}}]"
    )
    expected = "{policy: other, check: purchase.not-allowed, product: SPE_E5}"
    assert single_verdict(tmp_path, f"policies: [other], given: {GIVEN}, expect: [{expected}]").passed


@pytest.mark.parametrize(
    ("required", "product"),
    [
        ("any-suite", "any-suite"),
        ("[SPE_E3, SPE_E5]", "SPE_E3|SPE_E5"),
        ("SPE_E*", "SPE_E*"),
        ('"SPE_E[35]"', "SPE_E[35]"),
        ("paid", "paid"),
    ],
)
def test_product_of_an_expectation_may_be_a_set_as_written(tmp_path: Path, required: str, product: str) -> None:
    (tmp_path / "other.yaml").write_text(
        "version: 1\nproducts: {any-suite: [SPE_E3, SPE_E5]}\n"
        f"policies: [{{id: other, severity: low, assignments: {{require: [{required}]}}}}]"
    )
    given = "{users: [{userPrincipalName: a@x.example}], products: [{skuPartNumber: SPE_E5, enabled: 1}]}"
    expected = f'{{policy: other, check: assignment.missing, product: "{product}"}}'
    assert single_verdict(tmp_path, f"policies: [other], given: {given}, expect: [{expected}]").passed


@pytest.mark.parametrize(
    ("test", "slug"),
    [
        ("policies: [nobody], given: {}, expect: []", "test-unknown-policy"),
        ("given: {}, expect: [{policy: store, check: assignment.denied}]", "test-unknown-policy"),
        ("given: {}, outcomes: {store: pass}", "test-unknown-policy"),
        ("given: {}, expect: [{policy: stores, check: assignment.denyed}]", "test-unknown-check"),
        ("given: {}, expect: [{policy: stores, check: assignment.denied, product: SPE_E33}]", "test-unknown-product"),
        ("tenants: [{name: a}], expect: [{policy: stores, check: assignment.denied, tenant: b}]", "test-unknown-name"),
        ("given: {users: [{userPrincipalName: a, licenses: [NO_SUCH_SKU]}]}, expect: []", "test-unknown-product"),
        ("given: {users: [{licenses: [SPE_E3]}]}, expect: []", "policy-missing-key"),
        ("given: {}, expect: [{policy: a}]", "policy-missing-key"),
        ("given: {usrs: []}, expect: []", "policy-unknown-key"),
        ("given: {}", "policy-empty"),
        ("given: {}, asOf: 2026-02-30, expect: []", "policy-bad-date"),
        ("given: {users: [{userPrincipalName: a, createdDateTime: 2026-02-30}]}, expect: []", "policy-bad-date"),
        (
            "given: {users: [{userPrincipalName: a, signInActivity: {lastSignInDateTime: 2026-06-31T10:00:00Z}}]}, expect: []",
            "policy-bad-date",
        ),
    ],
)
def test_error_in_a_policy_test_has_a_location(tmp_path: Path, test: str, slug: str) -> None:
    with pytest.raises(InputError) as caught:
        single_verdict(tmp_path, test)
    assert caught.value.slug == slug
    assert caught.value.span is not None
    assert caught.value.span.file.endswith("stores_test.yaml")


def test_hidden_folders_are_ignored(tmp_path: Path) -> None:
    """A virtual environment in the repository contains the policy tests of the starter library."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "x_test.yaml").write_text("version: 1\ntests: [{name: t, given: {}, expect: []}]\n")
    assert single_verdict(tmp_path, f"given: {GIVEN}, expect: [{DENIED}, {MISSING}]").passed
    assert [verdict.name for verdict in run_tests([tmp_path], builtin(), as_of=NOW)] == ["t"]


def test_unknown_policy_in_a_test_is_reported_with_location_and_suggestion(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        single_verdict(tmp_path, "policies: [stores, store], given: {}, expect: []")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.hint == "did you mean 'stores'?"
    assert diagnostic.span is not None
    assert diagnostic.span.text[diagnostic.span.column - 1 :].startswith("store]")


def test_missing_policy_tests_are_a_usage_error(tmp_path: Path) -> None:
    policies = tmp_path / "p.yaml"
    policies.write_text("version: 1\npolicies: []\n")
    for path, slug in ((tmp_path, "tests-none"), (tmp_path / "gone", "tests-missing"), (policies, "tests-none")):
        with pytest.raises(UsageError) as caught:
            list(run_tests([path], builtin(), as_of=NOW))
        assert caught.value.slug == slug


def test_policy_with_certain_findings_matched_something(tmp_path: Path) -> None:
    """A policy that is not evaluated, because one group's members are hidden, reports the groups that are empty."""
    policies = "version: 1\npolicies: [{id: h, severity: low, health: {empty: deny}}]\n"
    groups = (
        "[{displayName: E, licenses: [SPE_E3]}, {displayName: H, licenses: [SPE_E3], visibility: HiddenMembership}]"
    )
    found = f"given: {{groups: {groups}}}, expect: [{{policy: h, check: group.empty, group: E}}], outcomes: {{h: not-evaluated}}"
    outcomes = verdicts(tmp_path, "given: {}, expect: []", found, policies=policies)
    assert [outcome.passed for outcome in outcomes] == [True, True]
    assert [warning.slug for warning in never_matched(outcomes[:1])] == ["policy-no-match"]
    assert never_matched(outcomes) == []


def test_policy_that_was_not_evaluated_is_a_warning_unless_the_test_expects_it(tmp_path: Path) -> None:
    """Without findings, `expect: []` passes for every policy."""
    unknown = "given: {unknown: [subscribedSkus]}, expect: []"
    silent, expected = verdicts(
        tmp_path, f"policies: [spare], {unknown}", f"policies: [spare], {unknown}, outcomes: {{spare: not-evaluated}}"
    )
    assert silent.passed
    assert expected.passed
    assert expected.not_evaluated == ()
    (warning,) = silent.not_evaluated
    assert (warning.slug, warning.level) == ("test-not-evaluated", Level.WARNING)
    assert str(warning.message) == (
        "the policy 'spare' was not evaluated: Subscribed products: not available in this tenant (the test declares it unknown)"
    )
    assert str(warning.hint).endswith("`outcomes: {spare: not-evaluated}`")


@pytest.mark.slow
def test_test_command_prints_verdicts_and_sets_the_exit_code(tmp_path: Path) -> None:
    verdicts(tmp_path, f"given: {GIVEN}, expect: [{DENIED}]", "given: {}, expect: []")
    completed = call("test", ".", cwd=tmp_path)
    assert (completed.code, completed.err) == (1, "")
    assert completed.text.splitlines() == [
        "FAILED stores_test.yaml:3:10: t",
        "    found, not expected: policy: stores, check: assignment.missing, user: ann@contoso.example, product: SPE_F1, status: open",
        "passed stores_test.yaml:4:10: t",
        "1 passed, 1 failed",
    ]
    assert "passed stores" not in call("test", "stores_test.yaml", "-q", cwd=tmp_path).text
    (tmp_path / "stores_test.yaml").write_text("version: 1\ntests: {}\n")
    assert call("test", ".", cwd=tmp_path).code == 2


def test_quiet_prints_failures_and_the_count_only(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("version: 1\npolicies: [{id: h, severity: low, health: {empty: deny}}]\n")
    (tmp_path / "p_test.yaml").write_text("version: 1\ntests: [{name: nothing, given: {}, expect: []}]\n")
    loud, quiet = call("test", ".", cwd=tmp_path), call("test", ".", "-q", cwd=tmp_path)
    assert (loud.code, "warning[policy-no-match]" in loud.err) == (0, True), loud.err
    assert (quiet.code, quiet.text.strip(), quiet.err) == (0, "1 passed, 0 failed", "")
