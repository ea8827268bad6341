"""A valid document of each kind, with nearly every key of its schema."""

from typing import Any

from auditor.policy.schema.check import SchemaName
from auditor.policy.yaml.reader import parse

LEAVERS = """\
version: 1
policies:
- id: leavers
  title: Blocked accounts hold no paid licence
  severity: medium
  users: {accountEnabled: false}
  assignments: {of: paid, allow: []}
"""
"""A file with one policy, to which further policies can be appended."""
POLICIES = """\
version: 1
populations:
  frontline: {department: [Store, Warehouse], userType: Member, usageLocation: NO}
  old: {any: [{createdDateTime: {before: 30d, exists: true}}, frontline, {not: {population: frontline}}]}
  gone: {inactiveFor: 90d, signal: interactive, memberOf: {group: Staff, transitive: true}, licensed: true}
  odd: {department: {not: null, matches: 'S*', notIn: [A, null]}, accountEnabled: {is: false}, mail: null, holds: paid}
products:
  productivity: [SPE_E3, {withService: EXCHANGE_S_ENTERPRISE}]
  none: []
  free: MY_FREE
policies:
  - id: frontline-f3
    title: Frontline staff work on Microsoft 365 F3
    severity: high
    rationale: F3 covers what stores use.
    owner: licensing@contoso.example
    tags: [cost]
    tenants: [contoso]
    users: frontline
    assignments:
      allow: [SPE_F1, free]
      require: [SPE_F1, [A, B]]
      exclusive: [[SPE_E3, [SPE_E5, SPE_F1]]]
      redundant: deny
      via: group
      duplicates: deny
      services: {require: [TEAMS1], deny: [YAMMER]}
  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
  - {id: spare, severity: medium, seats: {of: [SPE_E3], spare: {min: 5, max: 2.5%}, pool: true, graceUnits: ignore}}
  - {id: quota, severity: low, users: {}, seats: {assigned: {max: 50}, spare: {max: {percent: 5, seats: 10}}}}
  - {id: owned, severity: info, purchases: {deny: 'VISIO*', trials: deny, unknown: deny}}
  - {id: renew, severity: low, subscriptions: {expiring: {within: 60d}, states: {deny: [Warning]}}}
  - {id: facts, severity: low, attributes: {require: [city], allow: {usageLocation: [NL], accountEnabled: true}}}
  - {id: sound, severity: critical, health: {errors: deny, groups: deny}}
  - {id: shared, severity: low, balance: {spare: {min: 1, max: 100%}}}
  - {id: money, severity: low, budget: {limit: 25000.50}}
waivers:
  - id: W-2026-014
    policies: [frontline-f3]
    users: {userPrincipalName: pilot@contoso.example}
    products: [SPE_E5]
    tenants: [contoso]
    reason: Store pilot
    owner: licensing@contoso.example
    approvedBy: cfo@contoso.example
    ticket: CHG-1182
    expires: 2027-01-31
  - {id: W-2, policies: '*', reason: x, owner: y, expires: 2027-01-31}
prices:
  currency: EUR
  perSeatPerMonth: {SPE_E3: 35.70, SPE_E5: 55}
defaults: {waiverMaxDays: 365}
"""

TESTS = """\
version: 1
tests:
  - name: an E5 in a store is reported
    asOf: 2026-11-20
    given:
      products: [{skuPartNumber: SPE_E5, enabled: 10, servicePlans: [TEAMS1]}]
      users:
        - userPrincipalName: ann@contoso.example
          department: Store
          accountEnabled: true
          mailboxType: shared
          memberOf: [Staff]
          signInActivity: {lastSuccessfulSignInDateTime: 2026-01-01}
          licenses: [SPE_E5, {sku: SPE_F1, via: [direct, Staff], state: Error, error: CountViolation, disabledPlans: [X]}]
      groups: [{displayName: Staff, licenses: [SPE_F1], hasMembersWithLicenseErrors: true}]
      subscriptions: [{skuPartNumber: SPE_E5, status: Enabled, isTrial: true, nextLifecycleDateTime: 2026-12-01T00:00:00Z}]
      unknown: [signInActivity]
    expect:
      - {policy: frontline-f3, check: assignment.not-allowed, user: ann@contoso.example, product: SPE_E5, detail: null}
    outcomes: {frontline-f3: fail}
    partial: true
  - {name: two, policies: [shared], tenants: [{name: a}, {name: b, products: [{skuId: x}]}], expect: []}
"""

TENANTS = """\
version: 1
defaults: {locale: nl}
tenants:
  - name: contoso
    tenantId: 11111111-2222-3333-4444-555555555555
    cloud: worldwide
    locale: nl
    credential: {type: github-oidc, clientId: app}
    agreement: mca
    endpoint: http://127.0.0.1:8080/v1.0
    authority: https://localhost:8443
    recipients: [{address: licensing@contoso.example, locale: nl, severities: [critical, high]}]
  - name: fabrikam
    tenantId: 11111111-2222-3333-4444-555555555555
    credential: {type: certificate, clientId: app, path: cert.pem, passwordEnv: PASSWORD}
mail:
  from: audit@contoso.example
  smtp: {host: relay, port: 587, starttls: required, usernameEnv: A, passwordEnv: B, ca: ca.pem}
  send: changed
"""

VALID: dict[SchemaName, Any] = {
    "policy": parse(POLICIES, file="p.yaml").value,
    "policy-test": parse(TESTS, file="t.yaml").value,
    "tenants": parse(TENANTS, file="tenants.yaml").value,
}
