"""Policy tests match both ways: what was expected and is missing, what was found and not expected."""

from pathlib import Path

import pytest

from auditor.app.policy_tests.runner import Verdict, rehearse
from auditor.catalogue import builtin
from auditor.domain.errors import InputError, UsageError
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


def verdicts(folder: Path, *tests: str, policies: str = POLICIES) -> list[Verdict]:
    (folder / "stores.yaml").write_text(policies)
    (folder / "stores_test.yaml").write_text(
        "version: 1\ntests:\n" + "".join(f"- {{name: t, {test}}}\n" for test in tests)
    )
    return list(rehearse([folder], builtin(), as_of=NOW))


def one(folder: Path, test: str) -> Verdict:
    (verdict,) = verdicts(folder, test)
    return verdict


def test_the_example_of_the_language(tmp_path: Path) -> None:
    assert one(tmp_path, f"asOf: 2026-11-20, given: {GIVEN}, expect: [{DENIED}, {MISSING}]").passed


def test_a_finding_that_nobody_expected_fails_the_test(tmp_path: Path) -> None:
    verdict = one(tmp_path, f"given: {GIVEN}, expect: [{DENIED}]")
    assert not verdict.passed
    assert verdict.missing == ()
    assert verdict.unexpected == (
        "policy: stores, check: assignment.missing, user: ann@contoso.example, product: SPE_F1, status: open",
    )


def test_a_finding_that_is_missing_fails_the_test(tmp_path: Path) -> None:
    gone = DENIED.replace("SPE_E5", "SPE_E3")
    verdict = one(tmp_path, f"given: {GIVEN}, expect: [{DENIED}, {MISSING}, {gone}]")
    assert (len(verdict.missing), verdict.unexpected) == (1, ())
    assert "SPE_E3" in verdict.missing[0]


def test_partial_relaxes_one_way_only(tmp_path: Path) -> None:
    assert one(tmp_path, f"given: {GIVEN}, partial: true, expect: [{DENIED}]").passed
    gone = DENIED.replace("SPE_E5", "SPE_E3")
    assert not one(tmp_path, f"given: {GIVEN}, partial: true, expect: [{gone}]").passed


def test_a_test_that_judges_nothing_is_a_mistake(tmp_path: Path) -> None:
    """Without a policy to fail it, `expect: []` would pass whatever is given."""
    (tmp_path / "stores.yaml").write_text(POLICIES)
    (tmp_path / "shops_test.yaml").write_text("version: 1\ntests:\n- {name: t, given: {users: []}, expect: []}\n")
    with pytest.raises(InputError, match="has no policies") as caught:
        list(rehearse([tmp_path], builtin(), as_of=NOW))
    assert caught.value.slug == "test-no-policy"


def test_nothing_expected_is_an_expectation(tmp_path: Path) -> None:
    assert not one(tmp_path, f"given: {GIVEN}, expect: []").passed
    assert one(tmp_path, "given: {users: [{userPrincipalName: bob@contoso.example}]}, expect: []").passed


@pytest.mark.parametrize(
    ("change", "fits"),
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
def test_everything_that_an_expectation_says_must_fit(tmp_path: Path, change: str, *, fits: bool) -> None:
    key = change.partition(":")[0]
    kept = [part for part in DENIED.strip("{}").split(", ") if not part.startswith(f"{key}:")]
    expected = "{" + ", ".join([*kept, change]) + "}"
    assert one(tmp_path, f"given: {GIVEN}, partial: true, expect: [{expected}]").passed is fits


def test_waivers_work_in_tests_and_tenants_are_anyones(tmp_path: Path) -> None:
    pilot = GIVEN.replace("ann@", "pilot@")
    waived = [
        text.replace("ann@", "pilot@").replace("ANN@", "pilot@").replace("}", ", status: waived}")
        for text in (DENIED, MISSING)
    ]
    assert one(tmp_path, f"given: {pilot}, expect: [{', '.join(waived)}], outcomes: {{stores: waived}}").passed


def test_outcomes_are_held_too(tmp_path: Path) -> None:
    unread = GIVEN.replace("{products", "{unknown: [department], products")
    assert one(tmp_path, f"given: {unread}, outcomes: {{stores: not-evaluated, spare: pass}}").passed
    verdict = one(tmp_path, f"given: {GIVEN}, outcomes: {{stores: pass}}")
    assert verdict.missing == ("outcome of stores: expected pass, got fail",)


def test_several_tenants_keep_their_names(tmp_path: Path) -> None:
    tenants = ", ".join(GIVEN.replace("{products", f"{{name: {name}, products") for name in ("contoso", "fabrikam"))
    expected = ", ".join(text.replace("}", ", tenant: contoso}") for text in (DENIED, MISSING))
    assert one(tmp_path, f"tenants: [{tenants}], expect: [{expected}]").passed


def test_the_instant_is_the_tests_own(tmp_path: Path) -> None:
    policies = (
        "version: 1\npolicies: [{id: p, severity: low, users: {createdWithin: 7d}, assignments: {require: [SPE_E3]}}]"
    )
    given = "given: {users: [{userPrincipalName: a@x.example, createdDateTime: 2026-11-18T00:00:00Z}]}"
    found = verdicts(
        tmp_path,
        f"asOf: 2026-11-20, {given}, outcomes: {{p: fail}}",
        f"asOf: 2026-12-20T00:00:00+01:00, {given}, outcomes: {{p: pass}}",
        policies=policies,
    )
    assert [verdict.passed for verdict in found] == [True, True]


def test_a_test_may_choose_policies_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(
        "version: 1\npolicies: [{id: other, severity: low, purchases: {deny: [SPE_E5]}}]"
    )
    found = "{policy: other, check: purchase.not-allowed, product: SPE_E5}"
    assert one(tmp_path, f"policies: [other], given: {GIVEN}, expect: [{found}]").passed


@pytest.mark.parametrize(
    ("test", "slug"),
    [
        ("policies: [nobody], given: {}, expect: []", "test-unknown-policy"),
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
def test_mistakes_in_tests_have_a_place(tmp_path: Path, test: str, slug: str) -> None:
    with pytest.raises(InputError) as caught:
        one(tmp_path, test)
    assert caught.value.slug == slug
    assert caught.value.span is not None
    assert caught.value.span.file.endswith("stores_test.yaml")


def test_hidden_folders_hold_no_tests_as_they_hold_no_policies(tmp_path: Path) -> None:
    """A virtual environment in the repository has the starter library's tests in it."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "x_test.yaml").write_text("version: 1\ntests: [{name: t, given: {}, expect: []}]\n")
    assert one(tmp_path, f"given: {GIVEN}, expect: [{DENIED}, {MISSING}]").passed
    assert [verdict.name for verdict in rehearse([tmp_path], builtin(), as_of=NOW)] == ["t"]


def test_a_policy_that_no_file_defines_is_reported_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        one(tmp_path, "policies: [stores, store], given: {}, expect: []")
    (mistake,) = caught.value.diagnostics
    assert mistake.hint == "did you mean 'stores'?"
    assert mistake.span is not None
    assert mistake.span.text[mistake.span.column - 1 :].startswith("store]")


def test_where_there_is_no_test_it_says_so(tmp_path: Path) -> None:
    for path, slug in ((tmp_path, "tests-none"), (tmp_path / "gone", "tests-missing")):
        with pytest.raises(UsageError) as caught:
            list(rehearse([path], builtin(), as_of=NOW))
        assert caught.value.slug == slug


def test_the_command_tells_each_verdict_and_its_code(tmp_path: Path) -> None:
    verdicts(tmp_path, f"given: {GIVEN}, expect: [{DENIED}]", "given: {}, expect: []")
    ran = call("test", ".", cwd=tmp_path)
    assert (ran.code, ran.err) == (1, "")
    assert ran.text.splitlines() == [
        "FAILED stores_test.yaml:3:10: t",
        "    found, not expected: policy: stores, check: assignment.missing, user: ann@contoso.example, product: SPE_F1, status: open",
        "passed stores_test.yaml:4:10: t",
        "1 passed, 1 failed",
    ]
    assert "passed stores" not in call("test", "stores_test.yaml", "-q", cwd=tmp_path).text
    (tmp_path / "stores_test.yaml").write_text("version: 1\ntests: {}\n")
    assert call("test", ".", cwd=tmp_path).code == 2
