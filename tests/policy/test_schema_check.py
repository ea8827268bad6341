"""Schema check of policy, test and tenants files: one readable message for each error."""

import re

import pytest

from auditor.domain.errors import InputError
from auditor.policy.schema.check import SchemaName, check
from auditor.policy.yaml.reader import parse
from tests.builders.document.policy_documents import document_text


def errors_of(text: str, schema: SchemaName = "policy") -> list[str]:
    """Return every error as `line:column slug: message (hint)`, without the prefix of the slug."""
    diagnostics = check(parse(text, file="f.yaml"), schema)
    return [
        f"{item.span.line}:{item.span.column} {item.slug.partition('-')[2]}: {item.message} ({item.hint})"
        for item in diagnostics
        if item.span is not None
    ]


def table(text: str) -> list[tuple[str, list[str]]]:
    """Return the cases of a table: a line of YAML (`|` is a line break), followed by its indented errors."""
    cases = [case.splitlines() for case in re.split(r"\n(?! )", text.strip())]
    return [
        (yaml.replace("|", "\n"), [line.strip().replace("\\n", "\n") for line in mistakes]) for yaml, *mistakes in cases
    ]


def policy(block: str) -> list[str]:
    return errors_of(f"version: 1\npolicies:\n- id: x\n  severity: high\n  {block}\n")


POLICIES = r"""
users: {acountEnabled: false}|  health: {errors: deny}
    5:11 unknown-property: unknown property 'acountEnabled' (did you mean 'accountEnabled'?)
users: {usageLocation: false}|  health: {errors: deny}
    5:26 wrong-type: 'usageLocation' must be text, a list of texts, null or operators (`is`, `not`, `in`, `notIn`, `exists`, `matches`), not false (write 'false' in quotes if it is text)
users: {accountEnabled: no}|  health: {errors: deny}
    5:27 wrong-type: 'accountEnabled' must be true, false, null or operators (`is`, `not`, `in`, `notIn`, `exists`), not the text 'no' (write false)
users: {department: {before: 30d}}|  health: {errors: deny}
    5:24 unknown-key: unknown key 'before' in 'department' (allowed here: is, not, in, notIn, exists, matches)
users: {accountEnabled: {matches: t*}}|  health: {errors: deny}
    5:28 unknown-key: unknown key 'matches' in 'accountEnabled' (allowed here: is, not, in, notIn, exists)
users: {signal: any}|  health: {errors: deny}
    5:11 missing-key: 'signal' requires 'inactiveFor' (add 'inactiveFor', or remove 'signal')
users: {inactiveFor: 90}|  health: {errors: deny}
    5:24 wrong-type: 'inactiveFor' must be a duration in days, not the number 90 (write 90d)
users: {inactiveFor: 3 months}|  health: {errors: deny}
    5:24 bad-value: 'inactiveFor' must be a duration in days, not the text '3 months' (for example: 90d)
users: {inactiveFor: "90d\n"}|  health: {errors: deny}
    5:24 bad-value: 'inactiveFor' must be a duration in days, not the text '90d\n' (write 90d)
users: {any: []}|  health: {errors: deny}
    5:16 empty: 'any' is an empty list (remove the key, or give it a value)
users:|  health: {errors: deny}
    5:3 wrong-type: 'users' must be a selector, but has no value ('users': The name of a population, or a mapping of which all keys must hold. For example: frontline, {accountEnabled: false})
assignments: {}
    5:16 empty: 'assignments' needs at least one of: allow, deny, require, exclusive, redundant, via, duplicates, services (for example: {of: paid, allow: [SPE_F1]})
assignments: {of: paid}
    5:16 empty: 'assignments' needs at least one of: allow, deny, require, exclusive, redundant, via, duplicates, services (for example: {of: paid, allow: [SPE_F1]})
assignments: {alow: []}
    5:17 unknown-key: unknown key 'alow' in 'assignments' (did you mean 'allow'?)
assignments: {require: SPE_F1}
    5:26 wrong-type: 'require' must be a list of product sets, not the text 'SPE_F1' (write a list: ['SPE_F1'])
assignments: {exclusive: [[A]]}
    5:29 empty: item 1 of 'exclusive' needs 2 or more items, not 1 (for example: [SPE_E3, SPE_E5])
assignments: {exclusive: [SPE_E3]}
    5:29 wrong-type: item 1 of 'exclusive' must be a list of two or more product sets, not the text 'SPE_E3' (write a list of 2 or more: ['SPE_E3', …])
assignments: {allow: {service: X}}
    5:25 unknown-key: unknown key 'service' in 'allow' (did you mean 'withService'?)
assignments: {redundant: true}
    5:28 bad-value: 'redundant' cannot be true (the only value is deny)
assignments: {via: groups}
    5:22 bad-value: 'via' cannot be the text 'groups' (did you mean 'group'?)
asignments: {allow: []}
    5:3 unknown-key: unknown key 'asignments' in policy 'x' (did you mean 'assignments'?)
owner: y
    3:3 no-constraint: policy 'x' has no constraint block (add one of: assignments, seats, purchases, subscriptions, attributes, health, balance, budget, contracts)
seats: {of: paid}|  health: {errors: deny}
    6:3 several-constraints: policy 'x' has seats and health, but may have only one of them (write one policy for each block)
seats: {}
    5:10 empty: 'seats' is an empty mapping (allowed here: of, spare, assigned, purchased, covers, pool, graceUnits)
seats: {users: all}
    5:11 unknown-key: unknown key 'users' in 'seats' ('users' is a key of the policy: write it next to 'seats')
seats: {adjust: 3}
    5:11 unknown-key: unknown key 'adjust' in 'seats' (allowed here: of, spare, assigned, purchased, covers, pool, graceUnits)
seats: {spare: {min: 2.5}}
    5:24 wrong-type: 'min' must be a number of seats, a percentage, or {percent, seats}, not the number 2.5 (for example: 5, 5%)
seats: {spare: {min: -1}}
    5:24 out-of-range: 'min' must be at least 0, not -1 (for example: 5, 5%)
seats: {spare: {max: 100.1%}}
    5:24 out-of-range: 'max' must be between 0% and 100%, not '100.1%' (for example: 10%, {percent: 10, seats: 5})
seats: {spare: {max: 5 %}}
    5:24 bad-value: 'max' must be a number of seats, a percentage, or {percent, seats}, not the text '5 %' (write 5%)
seats: {spare: {max: {percent: 101, seats: 1}}}
    5:34 out-of-range: 'percent' must be at most 100, not 101 (for example: 5)
seats: {assigned: {max: '5'}}
    5:27 bad-value: 'max' must be a number of people, or a percentage, not the text '5' (remove the quotes)
purchases: {of: [x], trials: deny}
    5:15 unknown-key: unknown key 'of' in 'purchases' (allowed here: allow, deny, trials, unknown)
subscriptions: {states: {deny: [warning]}}
    5:35 bad-value: item 1 of 'deny' cannot be the text 'warning' (did you mean 'Warning'?)
attributes: {require: [departmnt]}
    5:26 bad-value: item 1 of 'require' cannot be the text 'departmnt' (did you mean 'department'?)
attributes: {require: [city, city]}
    5:25 bad-value: 'require' has a duplicate entry (write city once)
budget: {limit: -1}
    5:19 out-of-range: 'limit' must be at least 0, not -1 (for example: 25000)
tenants: contoso|  budget: {limit: 1}
    5:12 wrong-type: 'tenants' must be a list of tenants, not the text 'contoso' (write a list: ['contoso'])
title: ' '|  budget: {limit: 1}
    5:10 empty: 'title' must be text, not the text ' ' (for example: Frontline staff work on Microsoft 365 F3)
users: {inactiveIn: {services: ['*', teams], for: 90d}}|  health: {errors: deny}
    5:35 bad-value: item 1 of 'services' cannot be the text '*' ('*' must be the only value: write services: '*')
users: {inactiveIn: {services: '*', for: 200d}}|  health: {errors: deny}
    5:44 bad-value: 'for' must be a duration from 1d to 180d, not the text '200d' (for example: 90d)
users: {inactiveIn: {services: team, for: 1d}}|  health: {errors: deny}
    5:34 bad-value: 'services' must be a list of services or '*', not the text 'team' (for example: [exchange, teams], '*')
users: {inactiveIn: {services: [], for: 9d}}|  health: {errors: deny}
    5:34 empty: 'services' is an empty list ('services': The services: copilot, skype, exchange, onedrive, sharepoint, yammer, teams; '*' for the last five. For example: [exchange, teams], '*')
users: {department: {$ne: Store}}|  health: {errors: deny}
    5:24 unknown-key: unknown key '$ne' in 'department' (did you mean 'not'?)
users: {department: {Contains: Store}}|  health: {errors: deny}
    5:24 unknown-key: unknown key 'Contains' in 'department' (did you mean 'matches'?)
users: {createdDateTime: {olderThan: 30d}}|  health: {errors: deny}
    5:29 unknown-key: unknown key 'olderThan' in 'createdDateTime' (did you mean 'before'?)
users: {memberOf: Sales, transitive: true}|  health: {errors: deny}
    5:28 unknown-property: unknown property 'transitive' (write 'transitive' inside 'memberOf')
users: [{department: Store}]|  health: {errors: deny}
    5:10 wrong-type: 'users' must be a selector, not a list (remove the '-' before its keys, or the brackets around it)
description: text|  health: {errors: deny}
    5:3 unknown-key: unknown key 'description' in policy 'x' (did you mean 'rationale'?)
allow: []|  health: {errors: deny}
    5:3 unknown-key: unknown key 'allow' in policy 'x' (write 'allow' inside 'assignments', 'purchases' or 'attributes')
assignments: {users: {department: Store}, allow: []}
    5:17 unknown-key: unknown key 'users' in 'assignments' ('users' is a key of the policy: write it next to 'assignments')
seats: {of: [SPE_E3], min: 5}
    5:25 unknown-key: unknown key 'min' in 'seats' (write 'min' inside 'spare')
seats: {spare: {max: 5 percent}}
    5:24 bad-value: 'max' must be a number of seats, a percentage, or {percent, seats}, not the text '5 percent' (write 5%)
users: {inactiveFor: 60 days}|  health: {errors: deny}
    5:24 bad-value: 'inactiveFor' must be a duration in days, not the text '60 days' (write 60d)
users: {inactiveFor: 2W}|  health: {errors: deny}
    5:24 bad-value: 'inactiveFor' must be a duration in days, not the text '2W' (write 14d)
users: {inactiveFor: P30D}|  health: {errors: deny}
    5:24 bad-value: 'inactiveFor' must be a duration in days, not the text 'P30D' (write 30d)
users: {inactiveFor: 3 months}|  health: {errors: deny}
    5:24 bad-value: 'inactiveFor' must be a duration in days, not the text '3 months' (for example: 90d)
users: {createdDateTime: {after: 31.12.2026}}|  health: {errors: deny}
    5:36 bad-value: 'after' must be a date, an instant with a time zone, or a duration in days, not the text '31.12.2026' (write 2026-12-31)
users: {appsUnused: {on: [window], for: 30d}}|  health: {errors: deny}
    5:29 bad-value: item 1 of 'on' cannot be the text 'window' (did you mean 'windows'?)
users: {appsUnused: {for: 60d}}|  health: {errors: deny}
    5:29 bad-value: 'for' cannot be the text '60d' (one of: 7d, 30d, 90d, 180d)
users: {appsUnused: {apps: [word]}}|  health: {errors: deny}
    5:23 missing-key: 'appsUnused' lacks 'for' ('for': The period of the report: 7d, 30d, 90d or 180d. For example: 180d)
users: {mailboxUsage: {largerThan: 50 gigabytes}}|  health: {errors: deny}
    5:38 bad-value: 'largerThan' must be a size in kB, MB, GB or TB, not the text '50 gigabytes' (write 50GB)
users: {mailboxUsage: {}}|  health: {errors: deny}
    5:25 empty: 'mailboxUsage' is an empty mapping (allowed here: largerThan, archive)
users: {any: {department: Store}}|  health: {errors: deny}
    5:16 wrong-type: 'any' must be a list of selectors, not a mapping (for example: [{department: Store}, {jobTitle: {matches: '*cashier*'}}])
users: {agent: yes}|  health: {errors: deny}
    5:18 wrong-type: 'agent' must be true or false, not the text 'yes' (write true)
users: {desktopApps: {for: 7d}}|  health: {errors: deny}
    5:11 unknown-property: unknown property 'desktopApps' (did you mean 'appsUnused'?)
assignments: {require: [[]]}
    5:27 empty: item 1 of 'require' is an empty list (for example: [SPE_E3])
assignments: {exclusive: [[]]}
    5:29 empty: item 1 of 'exclusive' is an empty list (for example: [SPE_E3, SPE_E5])
users: {department: {not: [A, null]}}|  health: {errors: deny}
    5:29 wrong-type: 'not' must be text or null, not a list (use 'notIn' for several values)
users: {department: {is: [A, B]}}|  health: {errors: deny}
    5:28 wrong-type: 'is' must be text or null, not a list (use 'in' for several values)
users: {department: {not: []}}|  health: {errors: deny}
    5:29 wrong-type: 'not' must be text or null, not an empty list (for example: Sales, null)
users: {createdDateTime: {before: 2026-01-01T00:00:00}}|  health: {errors: deny}
    5:37 bad-value: 'before' must be a date, an instant with a time zone, or a duration in days, not the text '2026-01-01T00:00:00' (add the time zone: 2026-01-01T00:00:00Z)
users: {createdDateTime: {before: 2026-13-01T00:00:00Z}}|  health: {errors: deny}
    5:37 bad-value: 'before' must be a date, an instant with a time zone, or a duration in days, not the text '2026-13-01T00:00:00Z' (write a date as 2027-01-31)
"""


@pytest.mark.parametrize(("block", "expected"), table(POLICIES))
def test_one_error_in_a_policy_has_one_message(block: str, expected: list[str]) -> None:
    assert policy(block) == expected
    assert len(expected) == 1


FILES = r"""
[]
    1:1 wrong-type: the file must be a policy file, not an empty list (begin with 'version: 1', and put the list under 'policies:')
policies
    1:1 wrong-type: the file must be a policy file, not the text 'policies' (write 'version: 1' at the top)
version: 2|waivers: []
    1:10 version: version 2 is not known (write 'version: 1')
version: '1'|waivers: []
    1:10 version: 'version' must be a number, not the text '1' (remove the quotes)
waivers: []|defaults: {waiverMaxDays: 1}
    1:1 missing-key: the file lacks 'version' (write 'version: 1' at the top)
version: 1
    1:1 empty: the file has nothing but its version (allowed here: version, extends, populations, products, policies, waivers, prices, contracts, defaults)
version: 1|contracts: [{id: c, products: [], term: P1Y, ends: 2027-03-31, renews: automatically}]
    2:31 empty: 'products' is an empty list ('products': The SKUs that it covers. For example: [SPE_E5])
version: 1|contracts: [{id: c, products: [SPE_E3], term: P12M, ends: 2027-03-31, renews: automatically}]
    2:47 bad-value: 'term' cannot be the text 'P12M' (did you mean 'P1Y'?)
version: 1|contracts: [{id: c, products: [SPE_E3], term: P2Y, ends: 2027-03-31, renews: automatically}]
    2:47 bad-value: 'term' cannot be the text 'P2Y' (one of: P1M, P1Y, P3Y)
version: 1|contracts: [{id: c, products: [SPE_E3], term: 1Y, ends: 2027-03-31, renews: automatically}]
    2:47 bad-value: 'term' cannot be the text '1Y' (did you mean 'P1Y'?)
version: 1|contracts: [{id: c, products: [SPE_E3], term: yearly, ends: 2027-03-31, renews: automatically}]
    2:47 bad-value: 'term' cannot be the text 'yearly' (one of: P1M, P1Y, P3Y)
version: 1|polices: []
    2:1 unknown-key: unknown key 'polices' at the top of the file (did you mean 'policies'?)
version: 1|decisions: []
    2:1 unknown-key: unknown key 'decisions' at the top of the file ('decisions' belongs in policies/decisions.yaml)
version: 1|imports: [a.yaml]
    2:1 unknown-key: unknown key 'imports' at the top of the file (did you mean 'extends'?)
version: 1|seats: {of: paid}
    2:1 unknown-key: unknown key 'seats' at the top of the file ('seats' is a key of a policy: write it in an item of the list `policies`)
version: 1|policies: {a: {severity: low}}
    2:11 wrong-type: 'policies' must be a list of policies, not a mapping (write a list: a '-' before the first key of each item)
version: 1|populations: [{name: a}]
    2:14 wrong-type: 'populations' must be a mapping of names to selectors, not a list (for example: {frontline: {department: [Store, Warehouse], userType: Member}})
version: 1|policies:|- {id: a, severity: low, status: disabled, enabled: false, users: {createdDateTime: 90d}, health: {errors: deny}}
    3:34 bad-value: 'status' cannot be the text 'disabled' (one of: enabled, report-only)
    3:44 unknown-key: unknown key 'enabled' in policy 'a' (did you mean 'status'?)
    3:85 bad-value: 'createdDateTime' must be a date, an instant with a time zone, null or operators (`is`, `not`, `in`, `notIn`, `exists`, `before`, `after`), not the text '90d' (write {before: 90d} or {after: 90d})
version: 1|policies:|- {id: A B, severity: High, health: {errors: deny}}
    3:8 bad-value: 'id' must be a name of lower-case letters, digits and hyphens, not the text 'A B' (write 'a-b')
    3:23 bad-value: 'severity' cannot be the text 'High' (did you mean 'high'?)
version: 1|waivers: [{id: w, policies: x, owner: y, expires: 2027-1-31}]
    2:11 missing-key: waiver 'w' lacks 'reason' ('reason': The reason for the exception. For example: Store pilot of Teams Phone)
    2:29 bad-value: 'policies' must be a list of policy ids, or '*', not the text 'x' (write a list: ['x'])
    2:51 bad-value: 'expires' must be a date, not the text '2027-1-31' (write 2027-01-31)
version: 1|waivers: [{id: w, policies: ['*'], reason: r, owner: y, expires: 31-1-2027}]
    2:66 bad-value: 'expires' must be a date, not the text '31-1-2027' (write 2027-01-31)
version: 1|waivers: [{id: w, policies: ['*'], reason: r, owner: y, expires: 1/31/2027}]
    2:66 bad-value: 'expires' must be a date, not the text '1/31/2027' (write 2027-01-31)
version: 1|waivers: [{id: w, policies: ['*'], reason: r, owner: y, expires: 1.2.2027}]
    2:66 bad-value: 'expires' must be a date, not the text '1.2.2027' (write a date as 2027-01-31)
version: 1|waivers: [{id: w, policies: ['*'], reason: r, owner: y, expires: 2027/02/30}]
    2:66 bad-value: 'expires' must be a date, not the text '2027/02/30' (write a date as 2027-01-31)
version: 1|waivers: [{id: w, policies: ['*'], reason: r, owner: y, expires: 2027-01-31T00:00:00Z}]
    2:66 bad-value: 'expires' must be a date, not the text '2027-01-31T00:00:00Z' (write 2027-01-31)
version: 1|waivers: [{id: w, policies: ['*'], reason: r, owner: y, expires: soon}]
    2:66 bad-value: 'expires' must be a date, not the text 'soon' (for example: 2027-01-31)
version: 1|waivers: [{id: w, policies: ['*'], reason: r, owner: y, until: 2027-01-31}]
    2:57 unknown-key: unknown key 'until' in waiver 'w' (did you mean 'expires'?)
version: 1|prices: {currency: eur, perSeatPerMonth: {SPE_E3: 1}}
    2:20 bad-value: 'currency' must be a currency code, not the text 'eur' (write EUR)
version: 1|prices: {currency: EURO, perSeatPerMonth: {SPE_E3: 1}}
    2:20 bad-value: 'currency' must be a currency code, not the text 'EURO' (for example: EUR)
version: 1|prices: {currency: EUR, perSeatPerMonth: {SPE_E3: '1'}}
    2:51 wrong-type: 'SPE_E3' must be an amount, a price, or a list of prices that change on a date, not the text '1' (remove the quotes)
version: 1|products: {a: 5}|populations: {'': {}}
    2:15 wrong-type: 'a' must be a product set, not the number 5 (write '5' in quotes if it is text)
    3:15 bad-value: '' is not allowed as a name here (None)
"""


@pytest.mark.parametrize(("text", "expected"), table(FILES))
def test_errors_in_a_policy_file(text: str, expected: list[str]) -> None:
    assert errors_of(text) == expected


CREDENTIALS = r"""
{type: azure-cli}
{type: managed-identity}
{type: token, tokenEnv: T}
{type: client-secret, clientId: a, secretEnv: S}
{type: client-secret, clientId: a, secret: x}
    5:50 unknown-key: unknown key 'secret' in 'credential' (did you mean 'secretEnv'?)
{type: certificate, clientId: a, path: p, env: E}
    5:57 bad-value: 'credential' has path and env, but may have only one of them (keep 'path' or 'env')
{type: certificate, clientId: a}
    5:15 missing-key: 'credential' has none of path and env (add one of: path, env)
{type: token, tokenEnv: 'ey J'}
    5:39 bad-value: 'tokenEnv' must be the name of an environment variable, not the text 'ey J' (for example: CONTOSO_TOKEN)
"""


@pytest.mark.parametrize(("credential", "expected"), table(CREDENTIALS))
def test_credential_must_have_the_keys_of_its_type(credential: str, expected: list[str]) -> None:
    head = "version: 1\ntenants:\n- name: a\n  tenantId: 11111111-2222-3333-4444-555555555555\n"
    assert errors_of(f"{head}  credential: {credential}\n", "tenants") == expected


def test_mail_has_either_smtp_or_graph() -> None:
    mail = document_text("tenants").replace("  send: changed", "  graph: {tenant: contoso}")
    assert errors_of(mail, "tenants") == [
        "19:3 bad-value: 'mail' has smtp and graph, but may have only one of them (keep 'smtp' or 'graph')"
    ]


def test_policy_test_needs_a_state_and_an_expectation() -> None:
    assert errors_of(
        "version: 1\ntests:\n- {name: x, given: {users: [{displayName: y}]}, expct: []}\n", "policy-test"
    ) == [
        (
            "3:29 missing-key: item 1 of 'users' lacks 'userPrincipalName' "
            "('userPrincipalName': The sign-in name. For example: ann@contoso.example)"
        ),
        "3:49 unknown-key: unknown key 'expct' in test 'x' (did you mean 'expect'?)",
    ]
    assert errors_of("version: 1\ntests:\n- {name: x, given: {}, tenants: [{name: a}]}\n", "policy-test") == [
        "3:3 empty: test 'x' needs at least one of: expect, outcomes (add one of: expect, outcomes)",
        "3:24 bad-value: test 'x' has given and tenants, but may have only one of them (keep 'given' or 'tenants')",
    ]


def test_mistakes_beyond_the_first_200_are_counted() -> None:
    text = (
        "version: 1\npolicies:\n"
        + "- {id: a, title: T, severity: low, rationale: r, health: {errors: deny}, foo: 1}\n" * 205
    )
    *listed, last = errors_of(text)
    assert len(listed) == 200
    assert last.startswith(
        "203:74 mistakes: mistakes in the structure of this file that are not listed, from here on: 5 ("
    )


@pytest.mark.parametrize(
    ("text", "hint"), [("", "write 'version: 1'"), ("# x\n", "write 'version: 1'"), ("[" * 99, "use less nesting")]
)
def test_empty_and_deep_files_have_a_hint(text: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, file="f.yaml")
    assert str(caught.value.diagnostics[0].hint).startswith(hint)
