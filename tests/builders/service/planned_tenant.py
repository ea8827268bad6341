"""A tenant of the emulator with a plan, and functions that carry it out as an administrator would by hand."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.builders.service.command_line import AS_OF, Ran, call
from tests.builders.tenant.planned_state import writer
from tests.emulator.fixtures import CLIENT_ID, SECRET, running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import load, stable_id
from tests.emulator.tenant.products import sku_id

POLICY = """\
version: 1
prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 35.70, SPE_F1: 7.50}}
policies:
- {id: leavers, severity: high, owner: it@contoso.example, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
- {id: places, severity: low, users: {department: Sales}, attributes: {require: [usageLocation], allow: {usageLocation: [NL]}}}
"""
Send = Callable[..., httpx.Response]

TENANT: dict[str, Any] = {
    "name": "contoso",
    "tenantId": stable_id("verify", "contoso"),
    "domain": "contoso.example",
    "subscribedSkus": [{"skuPartNumber": "SPE_E3", "enabled": 10}, {"skuPartNumber": "SPE_F1", "enabled": 5}],
    "users": [
        *(
            {"userPrincipalName": f"{name}@contoso.example", "licenses": [sku], "accountEnabled": False}
            for name, sku in {"ann": "SPE_E3", "bob": "SPE_E3", "eva": "SPE_F1"}.items()
        ),
        {"userPrincipalName": "cem@contoso.example", "accountEnabled": False},
        {"userPrincipalName": "dan@contoso.example"},
        {"userPrincipalName": "kim@contoso.example", "department": "Sales", "usageLocation": None},
    ],
    "groups": [
        {
            "displayName": "LIC-E3",
            "members": ["cem@contoso.example", "dan@contoso.example"],
            "securityEnabled": True,
            "mailEnabled": False,
            "groupTypes": [],
        }
    ],
}


@contextmanager
def planned_emulator() -> Iterator[Emulator]:
    """Run the emulator with the tenant."""
    with running_emulator([load(TENANT)]) as running:
        yield running


@contextmanager
def sender(emulator: Emulator) -> Iterator[Send]:
    """Yield a function that sends one request of a plan."""
    with writer(emulator) as client:
        yield lambda request: client.request(
            request["method"], emulator.endpoint + request["path"], json=request["body"] or None
        )


def planned_folder(folder: Path, emulator: Emulator, send: Send) -> Path:
    """Return a folder with policies, a tenants file and the plan of the tenant in its initial state."""
    (folder / "policies").mkdir()
    (folder / "policies" / "people.yaml").write_text(POLICY)
    (folder / "tenants.yaml").write_text(
        f"version: 1\ntenants:\n- {{name: contoso, tenantId: {emulator.tenants['contoso'].tenant_id}, "
        f"endpoint: '{emulator.endpoint}', authority: '{emulator.authority}', "
        f"credential: {{type: client-secret, clientId: {CLIENT_ID}, secretEnv: CONTOSO_SECRET}},\n"
        f"  recipients: [{{address: it@contoso.example, owners: [it@contoso.example]}}, {{address: all@contoso.example, locale: nl}}]}}\n"
        "mail: {from: audit@contoso.example, smtp: {host: mail.contoso.example}, send: always}\n"
    )
    group = next(iter(emulator.tenants["contoso"].groups.values()))
    body = {"addLicenses": [{"skuId": sku_id("SPE_E3"), "disabledPlans": []}], "removeLicenses": []}
    assert send({"method": "POST", "path": f"/groups/{group.id}/assignLicense", "body": body}).status_code == 202
    assert run(folder, emulator, "collect", "-o", "before").code == 0
    ran = run(folder, emulator, "plan", "--snapshot", "before", "-q", "--as-of", AS_OF)
    assert ran.code == 0, ran.err
    return folder


def run(here: Path, emulator: Emulator, *arguments: str) -> Ran:
    """Run a command that may read the tenant, whose data is from today."""
    return call(*arguments, cwd=here, CONTOSO_SECRET=SECRET, SOURCE_DATE_EPOCH="", **emulator.environment())


def actions(here: Path) -> list[dict[str, Any]]:
    items = json.loads((here / "out" / "plan.json").read_text())["tenants"][0]["actions"]
    assert sum(len(action["requests"]) for action in items) == 5
    return list(items)


def carry_out(here: Path, send: Send, *, log: str = "", most: int = 99) -> None:
    """Send the requests of a plan in order, and write the same log lines as plan.ps1."""
    lines = []
    plan = json.loads((here / "out" / "plan.json").read_text())["asOf"]
    for number, action in enumerate(actions(here), start=1):
        for step, request in enumerate(action["requests"][:most], start=1):
            answer = send(request)
            assert answer.is_success, answer.text
            lines.append(
                {
                    "time": f"2026-11-21T10:00:{step:02}Z", "by": "admin@contoso.example", "tenant": TENANT["tenantId"],
                    "action": number, "fingerprint": action["id"], "step": step, "method": request["method"],
                    "url": request["path"], "body": request["body"], "outcome": "done", "answer": "200", "plan": plan,
                }
            )  # fmt: skip
    if log:
        (here / log).write_text("".join(json.dumps(line) + "\n" for line in lines))
