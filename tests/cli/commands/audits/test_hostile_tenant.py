"""A tenant with hostile text in every property: no command writes a control character, a formula or a header of it."""

import csv
import io
import json
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.render import FORMATS
from auditor.snapshot.model import Snapshot
from auditor.snapshot.writer import write
from tests.builders.result.hostile_texts import HOSTILE
from tests.builders.service.command_line import AS_OF, Ran, call
from tests.builders.tenant.tenants import bought, path, subscription, tenant, user

pytestmark = pytest.mark.slow

CONTROLS = re.compile("[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
FORMULA = re.compile(r"[=+\-@\t\r](?![\d.]*$)")
BINARY = {".xlsx", ".parquet"}
DATA = {".json", ".ndjson", ".sarif"}
"""Suffixes of JSON, which keeps the characters that its syntax permits."""
SKU, GROUP = "99999999-0000-4000-8000-000000000001", "99999999-0000-4000-8000-000000000002"
POLICIES = """version: 1
policies:
- {id: all, severity: high, owner: o@example.org, assignments: {deny: "*", duplicates: deny}}
- {id: held, severity: low, health: {errors: deny, groups: deny, nested: deny, paused: deny, empty: deny}}
- {id: given, severity: low, attributes: {allow: {department: [x], usageLocation: [NL]}}}
- {id: bought, severity: low, purchases: {unknown: deny, deny: ["X_*"]}}
- {id: ending, severity: low, subscriptions: {expiring: {within: 30d}, states: {deny: [Suspended]}}}
prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 30}}
"""
TENANTS = """version: 1
tenants: [{{name: contoso, tenantId: {}, recipients: [{{address: r@example.org, locale: en, attach: csv}}]}}]
mail: {{from: a@example.org, send: always, smtp: {{host: 127.0.0.1, port: 9, starttls: none}}}}
"""


def hostile(text: str) -> Snapshot:
    """Return a tenant whose people, group, product and subscription have the text in every property."""
    names = ("department", "companyName", "jobTitle", "city", "country", "costCenter", "division", "employeeType")
    facts = dict.fromkeys(names, text)
    product = bought(f"X_{text}", 5, 1) | {"skuId": SKU, "capabilityStatus": text}
    product["servicePlans"] = [{"servicePlanId": GROUP, "servicePlanName": text}]
    people: list[dict[str, Any]] = [
        user(
            "ann", "SPE_E3", displayName=f"{text}{number}", userPrincipalName=f"{text}{number}@contoso.example",
            id=f"id-{number}", usageLocation=text[:2], paths=[path("SPE_E3"), path("SPE_E3", group=GROUP)], **facts,
        )
        for number in range(2)
    ]  # fmt: skip
    held = {"skuId": SKU, "disabledPlans": []}
    people[1]["assignedLicenses"].append(held)
    people[1]["licenseAssignmentStates"].append({**held, "state": "Error", "error": text, "assignedByGroup": GROUP})
    group = {
        "id": GROUP, "displayName": text, "assignedLicenses": [{"skuId": SKU}], "hasMembersWithLicenseErrors": True,
        "licenseProcessingState": {"state": text}, "groupTypes": ["DynamicMembership"], "membershipRule": text,
        "membershipRuleProcessingState": "Paused", "members": ["id-0"], "memberCount": 1, "nestedGroups": [],
    }  # fmt: skip
    state = tenant(
        *people,
        subscribedSkus=[bought("SPE_E3", 1, 2), product],
        subscriptions=[subscription("s", ends=10), subscription("t", ends=9) | {"status": text, "ownerTenantId": text}],
        groups=[group],
    )
    return replace(state, manifest=replace(state.manifest, display_name=text))


@pytest.mark.parametrize("kind", ["terminal", "bidi", "header", "formula", "separators"])
def test_no_output_contains_hostile_text_as_it_is(kind: str, tmp_path: Path) -> None:
    state = hostile(HOSTILE[kind])
    snapshot = write(tmp_path / "snapshots", state)
    (tmp_path / "p.yaml").write_text(POLICIES)
    (tmp_path / "base.yaml").write_text(POLICIES.replace("severity: low", "severity: high"))
    (tmp_path / "base").mkdir()
    (tmp_path / "base.yaml").rename(tmp_path / "base" / "p.yaml")
    (tmp_path / "tenants.yaml").write_text(TENANTS.format(state.manifest.tenant_id))
    given = ("p.yaml", "--snapshot", snapshot, "--as-of", AS_OF)
    reports, plans = ",".join((*FORMATS, "terminal")), "json,markdown,html,questions,approvals,powershell,http,terminal"
    commands: tuple[tuple[Any, ...], ...] = (
        ("audit", *given, "-f", reports, "-o", "out", "-v"),
        ("plan", *given, "-f", plans, "-o", "out/plan"),
        ("preview", *given, "--base", "base", "--names", "-f", "json,markdown,html,terminal", "-o", "out/preview"),
        ("verify", "out/plan/plan.json", *given, "-f", "json,markdown,html,terminal", "-o", "out/verified"),
        ("send", "out/result.json", "--dry-run", "-o", "out"),
        ("issues", "out/result.json", "--repository", "o/r", "--dry-run", "-v", "--names"),
        ("store", "put", "store", snapshot, "out/result.json"),
        ("history", "store", "-f", "html=out/history.html", "-f", "csv=out/history.csv", "-f", "terminal", "--all"),
    )
    for command in commands:
        ran = call(*command, cwd=tmp_path)
        assert ran.code in {0, 1, 3}, ran.err
        assert [found for text in (_decoded(ran), ran.err) for found in CONTROLS.findall(text)] == [], command
    files = [file for file in (tmp_path / "out").rglob("*") if file.is_file() and file.suffix not in BINARY]
    assert len(files) > 20
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert file.suffix in DATA or CONTROLS.findall(text) == [], file
        if file.suffix == ".csv":
            assert [cell for row in csv.reader(io.StringIO(text)) for cell in row if FORMULA.match(cell)] == []
        if file.suffix == ".eml":
            assert set(_recipients(file)) == {"r@example.org"}
    assert json.loads((tmp_path / "out" / "result.json").read_text())["tenants"][0]["displayName"] == HOSTILE[kind]


def _decoded(ran: Ran) -> str:
    return ran.out.decode()


def _recipients(file: Path) -> Iterator[str]:
    message = message_from_bytes(file.read_bytes(), policy=default)
    for name in ("To", "Cc", "Bcc"):
        yield from filter(None, [str(message[name] or "")])
