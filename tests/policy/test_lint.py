"""Lint warnings about valid policies: policies that can never have a finding, or cannot be satisfied."""

import pytest

from auditor.checks.registry import all_checks
from auditor.domain.errors import Level
from auditor.engine.policy_index import rules_of
from auditor.policy.lint import lint_warnings
from auditor.policy.loader import Loaded, load


def warnings_of(*policies: str, tenants: frozenset[str] | None = None, more: str = "") -> list[str]:
    lines = "".join(f"- {{id: p{number}, severity: low, {text}}}\n" for number, text in enumerate(policies))
    warnings = list(
        lint_warnings(load([("p.yaml", f"version: 1\n{more}policies:\n{lines}".encode())]), tenants=tenants)
    )
    assert all(item.level is Level.WARNING and item.hint and item.span for item in warnings)
    return [item.slug.removeprefix("policy-") for item in warnings]


E3_ID, OTHER_ID = "05e9a617-0261-4cee-bb44-138d3ef5d965", "12345678-1234-4234-8234-123456789abc"
DENY = "assignments: {deny: [SPE_E5]}"


@pytest.mark.parametrize(
    ("products", "slugs"),
    [
        ("[]", ["downgrade-free"]),
        ("free", ["downgrade-free"]),
        ("[FLOW_FREE, free]", ["downgrade-free"]),
        ("nothing", ["downgrade-free"]),
        ("[FLOW_FREE, SPE_F1]", []),
        ("'*'", []),
    ],
)
def test_downgrade_needs_a_paid_product(products: str, slugs: list[str]) -> None:
    text = f"assignments: {{deny: [SPE_E5], downgradeTo: {products}}}"
    assert warnings_of(text, more="products: {nothing: []}\n") == slugs


@pytest.mark.parametrize(
    "text",
    [
        f"users: {{department: A, all: [{{department: [B, C]}}]}}, {DENY}",
        f"users: {{accountEnabled: true, not: {{accountEnabled: true}}}}, {DENY}",
        f"users: {{any: [{{userType: null}}, {{city: A, all: [{{city: B}}]}}]}}, {DENY}",
        f"users: {{not: {{}}}}, {DENY}",
        "assignments: {of: [], allow: [SPE_E3]}",
        "assignments: {deny: []}",
        "assignments: {of: nothing, deny: [SPE_E5]}",
        "assignments: {deny: [nothing]}",
        "assignments: {allow: '*'}",
        "assignments: {allow: [SPE_E3, '*']}",
        "assignments: {allow: '*', deny: []}",
        "assignments: {of: [], via: group}",
        f"users: {{inactiveFor: 90d, neverSignedIn: 30d}}, {DENY}",
        f"users: {{inactiveIn: {{services: '*', for: 90d}}, not: {{inactiveIn: {{services: [teams], for: 30d}}}}}}, {DENY}",
        f"users: {{holds: SPE_E3, licensed: false}}, {DENY}",
        f"users: {{holds: []}}, {DENY}",
        f"users: {{hasRole: {{roles: [Message Center Reader], privileged: true}}}}, {DENY}",
        f"users: {{heldFor: {{of: nothing, atLeast: 30d}}}}, {DENY}",
        "seats: {of: nothing, spare: {min: 1}}",
        "subscriptions: {of: [], expiring: {within: 30d}}",
        "balance: {of: [nothing], spare: {min: 1, max: 5}}",
        "purchases: {deny: []}",
        "purchases: {allow: '*'}",
    ],
)
def test_policy_that_can_never_have_a_finding_is_dead(text: str) -> None:
    assert warnings_of(text, more="products: {nothing: []}\n") == ["dead"]


@pytest.mark.parametrize(
    "text",
    [
        f"users: {{department: A, all: [{{department: [a, B]}}]}}, {DENY}",
        f"users: {{department: {{not: null}}}}, {DENY}",
        f"users: {{any: [{{city: A}}, {{city: B}}]}}, {DENY}",
        "assignments: {of: paid, allow: []}",
        "assignments: {allow: '*', require: [SPE_E3]}",
        "assignments: {allow: '*', deny: [SPE_E5]}",
        "assignments: {deny: [], via: group}",
        "assignments: {of: [], services: {require: [TEAMS1]}}",
        "assignments: {allow: [SPE_E3, free], require: [SPE_E3]}",
        "assignments: {allow: [set], require: [SPE_E3]}",
        f"assignments: {{allow: [{E3_ID}], require: [SPE_E3]}}",
        f"assignments: {{allow: [SPE_E3], require: [{E3_ID.upper()}]}}",
        f"assignments: {{allow: [SPE_E3], require: [{OTHER_ID}]}}",
        f"assignments: {{deny: [{E3_ID}], require: [SPE_E3]}}",
        "assignments: {deny: ['SPE_E*'], require: [SPE_E3]}",
        "assignments: {of: ['VISIO*'], allow: [VISIOCLIENT], require: [SPE_E3]}",
        "assignments: {allow: [SPE_E3, SPE_E5], deny: [SPE_E5]}",
        "assignments: {allow: [], deny: [SPE_E5]}",
        "assignments: {services: {require: [TEAMS1], deny: [YAMMER_ENTERPRISE]}}",
        f"users: {{any: [{{inactiveFor: 90d}}, {{neverSignedIn: 30d}}]}}, {DENY}",
        f"users: {{inactiveIn: {{services: [teams], for: 30d}}, not: {{inactiveIn: {{services: [teams], for: 90d}}}}}}, {DENY}",
        f"users: {{inactiveIn: {{services: [teams], for: 90d}}, not: {{inactiveIn: {{services: '*', for: 30d}}}}}}, {DENY}",
        f"users: {{not: {{holds: SPE_E3}}, licensed: true}}, {DENY}",
        f"users: {{hasRole: {{roles: [Message Center Reader, Our Own Role], privileged: true}}}}, {DENY}",
        f"users: {{hasRole: {{roles: [Global Administrator], privileged: true}}}}, {DENY}",
        "purchases: {allow: [SPE_E3, SPE_E5], deny: [SPE_E5]}",
        "purchases: {allow: '*', trials: deny}",
        "purchases: {deny: [], unknown: deny}",
        "attributes: {allow: {usageLocation: [NL]}}",
    ],
)
def test_policy_that_can_have_a_finding_has_no_warning(text: str) -> None:
    assert warnings_of(text, more="products: {set: [SPE_E3]}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "assignments: {deny: [SPE_E3, SPE_E5], require: [spe_e3]}",
        "assignments: {deny: ['*'], require: [SPE_E3]}",
        "assignments: {allow: [SPE_E5], require: [SPE_E3]}",
        f"assignments: {{allow: [SPE_E5], require: [{E3_ID}]}}",
        f"assignments: {{allow: [{OTHER_ID}], require: [{E3_ID}]}}",
        f"assignments: {{deny: [SPE_E3], require: [{E3_ID}]}}",
        "assignments: {require: [nothing]}",
        "assignments: {allow: [SPE_E3], deny: [spe_e3]}",
        "assignments: {services: {require: [TEAMS1], deny: [teams1]}}",
        "purchases: {allow: [SPE_E3], deny: [SPE_E3, SPE_E5]}",
    ],
)
def test_policy_that_cannot_be_satisfied_is_a_contradiction(text: str) -> None:
    assert warnings_of(text, more="products: {nothing: []}\n") == ["contradiction"]


def test_policies_that_contradict_each_other_for_the_same_users() -> None:
    requires, forbids = "assignments: {require: [SPE_E3]}", "assignments: {deny: [SPE_E3]}"
    users = "users: {department: Store}, "
    assert warnings_of(users + requires, users + forbids) == ["contradiction"]
    assert warnings_of(users + requires, forbids) == []
    assert warnings_of(users + f"assignments: {{require: [{E3_ID}]}}", users + forbids) == ["contradiction"]
    assert warnings_of("tenants: [a], " + requires, "tenants: [b], " + forbids) == []


def test_tenant_that_is_not_in_the_tenants_file_is_unknown() -> None:
    text = f"tenants: [contoso, contosso], {DENY}"
    assert warnings_of(text) == []
    assert warnings_of(text, tenants=frozenset({"contoso", "fabrikam"})) == ["unknown-tenant"]


def test_unknown_tenant_is_marked_in_the_list() -> None:
    text = "version: 1\npolicies:\n- id: p\n  severity: low\n  tenants:\n  - contoso\n  - contosso\n  " + DENY + "\n"
    [warning] = lint_warnings(load([("p.yaml", text.encode())]), tenants=frozenset({"contoso"}))
    assert warning.span is not None
    assert (warning.span.line, warning.span.column) == (7, 5)


@pytest.mark.parametrize(
    ("users", "value", "written"),
    [
        ("{department: Sto*}", "Sto*", 'department: {matches: "Sto*"}'),
        ("{department: {is: '*Sto'}}", "'*Sto'", 'department: {matches: "*Sto"}'),
        ("{all: [{any: [{city: [Sto*]}]}]}", "Sto*", 'city: {matches: "Sto*"}'),
        ("{jobTitle: [Cook, Sto*]}", "Sto*", 'any: [{jobTitle: {matches: "Sto*"}}, {jobTitle: Cook}]'),
        ("{city: {not: Sto*}}", "Sto*", 'not: {city: {matches: "Sto*"}}'),
        (
            "{city: {notIn: [null, Sto*, Oslo]}}",
            "Sto*",
            'not: {any: [{city: {matches: "Sto*"}}, {city: [null, Oslo]}]}',
        ),
        (f"{{city: [Sto*, {'x' * 200}]}}", "Sto*", 'city: {matches: "Sto*"}'),
    ],
)
def test_asterisk_in_a_text_is_marked_with_the_pattern_to_write(users: str, value: str, written: str) -> None:
    def loaded(selector: str) -> Loaded:
        policy = f"{{id: p, severity: low, {DENY}, users: all}}"
        return load([("p.yaml", f"version: 1\npopulations:\n  all: {selector}\npolicies: [{policy}]\n".encode())])

    [warning] = loaded(users).warnings
    assert warning.level is Level.WARNING
    assert warning.slug == "policy-literal-asterisk"
    assert warning.span is not None
    assert (warning.span.line, warning.span.column) == (3, len("  all: ") + users.index(value) + 1)
    assert warning.hint == f"for a pattern, write {written}"
    assert not loaded(f"{{{written}}}").warnings


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (f"users: {{userType: External}}, {DENY}", ["External"]),
        (f"users: {{mailboxType: [shared, sharedMailbox]}}, {DENY}", ["sharedMailbox"]),
        (f"users: {{usageLocation: {{notIn: [nl, null, Norway]}}}}, {DENY}", ["Norway"]),
        (f"users: {{userType: guest, usageLocation: '', mailboxType: Room}}, {DENY}", []),
        ("attributes: {allow: {usageLocation: [NL, Belgium], department: [Belgium]}}", ["Belgium"]),
    ],
)
def test_value_that_graph_never_returns_is_a_warning(rest: str, expected: list[str]) -> None:
    warnings = load([("p.yaml", f"version: 1\npolicies: [{{id: p, severity: low, {rest}}}]\n".encode())]).warnings
    spans = [item.span for item in warnings if item.slug == "policy-impossible-value" and item.span is not None]
    assert [span.text[span.column - 1 : (span.end_column or 0) - 1] for span in spans] == expected


def test_asterisks_that_are_no_texts_of_users_raise_no_warning() -> None:
    users = (
        "{hasRole: '*', holds: [SPE_*], inactiveIn: {services: '*', for: 30d}, city: {matches: 'O*'}, memberOf: '*'}"
    )
    policy = f"{{id: p, severity: low, {DENY}, users: {users}}}"
    assert not load([("p.yaml", f"version: 1\npolicies: [{policy}]\n".encode())]).warnings


BLOCKS = {
    "seats: {spare: {min: 1}}": False,
    "seats: {spare: {max: 1}}": False,
    "seats: {spare: {min: 1}, assigned: {max: 5}}": True,
    "seats: {purchased: {max: 300}}": False,
    "seats: {covers: users}": True,
    "balance: {spare: {min: 1, max: 5}}": False,
    "budget: {limit: 100}": False,
    "contracts: {missing: deny}": False,
    "contracts: {match: true, notice: {within: 30d}, ending: {within: 30d}}": False,
    "purchases: {deny: [SPE_E5], trials: deny, unknown: deny}": False,
    "subscriptions: {expiring: {within: 30d, idle: {min: 1}}, states: {deny: [Warning]}}": False,
    "subscriptions: {expiring: {within: 30d}, trials: {endingWithin: 14d}}": False,
    "health: {groups: deny, nested: deny, paused: deny, empty: deny}": False,
    "health: {errors: deny, groups: deny}": True,
    "attributes: {require: [department]}": True,
    "attributes: {allow: {country: [NL]}}": True,
    DENY: True,
    "assignments: {allow: [SPE_E3], require: [SPE_E3], redundant: deny, via: group, duplicates: deny}": True,
    "assignments: {exclusive: [[SPE_E3, [SPE_E5]]], services: {require: [TEAMS1], deny: [SWAY]}}": True,
}
"""Blocks that use every check → whether the block evaluates users."""


@pytest.mark.parametrize("block", BLOCKS)
def test_users_of_a_block_have_an_effect_if_it_evaluates_users(block: str) -> None:
    expected = [] if BLOCKS[block] else ["users-ignored"]
    assert (warnings_of(block), warnings_of(f"users: {{department: Store}}, {block}")) == ([], expected)


def test_engine_reads_users_for_the_blocks_that_evaluate_users() -> None:
    lines = "".join(f"- {{id: p{number:02}, severity: low, {block}}}\n" for number, block in enumerate(BLOCKS))
    policies = load([("p.yaml", f"version: 1\npolicies:\n{lines}".encode())]).policies
    rules = rules_of(policies, all_checks())
    assert [rules.reads_users(policy) for policy in policies.policies] == list(BLOCKS.values())
    assert {check for policy in policies.policies for check in rules.checks(policy)} == set(all_checks()), (
        "add the key of the new check to BLOCKS"
    )
