"""Tests that answers of the emulator match the schemas of Microsoft's metadata (OpenAPI)."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.emulator.fixtures import running_emulator
from tests.emulator.odata import query
from tests.emulator.server import Emulator
from tests.emulator.tenant import seeded
from tests.emulator.tenant.directory import Tenant

CONTRACT = (
    Path(os.environ.get("AUDITOR_SHARED") or Path(__file__).parents[4] / "shared")
    / "data"
    / "openapi-subset-strict.yaml"
)
if os.environ.get("AUDITOR_SHARED") and not CONTRACT.exists():
    CONTRACT = Path(os.environ["AUDITOR_SHARED"]) / "openapi-subset-strict.yaml"
needs_contract = pytest.mark.skipif(
    not CONTRACT.exists(),
    reason=f"{CONTRACT.name} is not part of the repository; say AUDITOR_SHARED=folder to check against it",
)
EVENTUAL = {"ConsistencyLevel": "eventual"}
EVERY_USER_NAME = ",".join(sorted(query.USER_NAMES - query.USER_MAILBOX))


@cache
def contract() -> tuple[dict[str, Any], Any]:
    document = yaml.load(CONTRACT.read_text(encoding="utf-8"), yaml.CSafeLoader)
    resource: Resource[Any] = Resource.from_contents(document, default_specification=DRAFT202012)
    return document, Registry().with_resource("urn:contract", resource)


def operation(method: str, path: str) -> tuple[str, dict[str, Any]]:
    """Return the declared operation of a path; templates without parameters take precedence."""
    paths = contract()[0]["paths"]
    for template in sorted(paths, key=lambda text: text.count("{")):
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/()]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in paths[template]:
            return template, paths[template][method.lower()]
    raise AssertionError(f"the contract declares no {method} {path}")


def pointer(*parts: str) -> str:
    return "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)


def problems(method: str, path: str, status: int, body: Any) -> list[str]:
    """Return the violations of the contract in a body."""
    template, declared = operation(method, path)
    key = next(name for name in (str(status), f"{status // 100}XX") if name in declared["responses"])
    declared_response = declared["responses"][key]
    location = (
        ("#", "components", "responses", "error")
        if "$ref" in declared_response
        else ("#", "paths", template, method.lower(), "responses", key)
    )
    content = (
        contract()[0]["components"]["responses"]["error"]["content"]
        if "$ref" in declared_response
        else declared_response["content"]
    )
    media_type = next(iter(content))
    reference = "urn:contract" + pointer(*location, "content", media_type, "schema").replace("#/", "#/", 1)
    validator = Draft202012Validator({"$ref": reference}, registry=contract()[1])
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]


@pytest.fixture(scope="module")
def running() -> Any:
    tenant = seeded.generate(450)
    rich: Tenant = seeded.generate(3, name="fabrikam", seed=9)
    rich.others["d"] = {"@odata.type": "#microsoft.graph.device", "id": "d", "displayName": "PC-1"}
    with running_emulator([tenant, rich]) as emulator:
        yield emulator


def group_id(running: Emulator, name: str) -> str:
    return next(
        group.id for group in running.tenants["contoso"].groups.values() if group.document["displayName"] == name
    )


def reads(running: Emulator) -> list[tuple[str, dict[str, str]]]:
    tenant = running.tenants["contoso"]
    user = str(tenant.people.value(0, "id"))
    licensing, project = group_id(running, "LIC-E3"), group_id(running, "Project Sunrise")
    return [
        ("/subscribedSkus", {}),
        ("/subscribedSkus?$select=skuId,consumedUnits", {}),
        ("/directory/subscriptions", {}),
        ("/organization", {}),
        ("/users", {}),
        (f"/users?$select={EVERY_USER_NAME}&$top=500", {}),
        ("/users?$count=true&$top=5", EVENTUAL),
        (f"/users/{user}", {}),
        (f"/users/{user}?$select={EVERY_USER_NAME}", {}),
        (f"/users/{user}/mailboxSettings", {}),
        ("/groups", {}),
        (f"/groups?$select={','.join(sorted(query.GROUP_NAMES))}", {}),
        (f"/groups/{licensing}", {}),
        (f"/groups/{licensing}/members", {}),
        (f"/groups/{project}/members", {}),
        (f"/groups/{project}/transitiveMembers?$top=300", {}),
    ]


@pytest.mark.slow
@needs_contract
def test_reads_match_the_contract(running: Emulator, client: Any) -> None:
    roles = [*running.tenants["contoso"].apps[next(iter(running.tenants["contoso"].apps))].roles, "Group.Read.All"]
    for path, headers in reads(running):
        response = client(running, path, headers=headers, roles=roles)
        assert response.status_code == 200, (path, response.text[:300])
        assert problems("GET", path.split("?")[0], 200, response.json()) == [], path


@pytest.mark.slow
@needs_contract
def test_counts_match_the_contract(running: Emulator, client: Any) -> None:
    response = client(running, "/users/$count", headers=EVENTUAL)
    assert response.headers["content-type"].startswith("text/plain")
    assert problems("GET", "/users/$count", 200, response.text) == []


@needs_contract
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/users?$select=nonsense", 400),
        ("/users?$filter=userType ne 'Guest'", 400),
        ("/users/nobody@contoso.example", 404),
        ("/users?$select=mailboxSettings", 501),
        ("/groups/00000000-0000-4000-8000-000000000000", 404),
    ],
)
def test_errors_match_the_contract(running: Emulator, client: Any, path: str, status: int) -> None:
    response = client(running, path)
    assert response.status_code == status
    assert problems("GET", path.split("?", maxsplit=1)[0], status, response.json()) == []


@needs_contract
@pytest.mark.parametrize("report", ["getOffice365ActiveUserDetail", "getMailboxUsageDetail"])
def test_usage_reports_match_the_contract(running: Emulator, client: Any, report: str) -> None:
    path = f"/reports/{report}(period='{{}}')"
    _, declared = operation("GET", path.format("D180"))
    redirect = client(running, path.format("D180"))
    assert str(redirect.status_code) in declared["responses"]
    assert set(declared["responses"]["302"]["headers"]) <= {name.title() for name in redirect.headers}
    least = declared["x-ms-graph-application-permissions"]["leastPrivilege"]
    assert client(running, path.format("D7"), roles=least).status_code == 302
    for status, response in (
        (403, client(running, path.format("D7"), roles=[])),
        (400, client(running, path.format("D8"))),
    ):
        assert response.status_code == status
        assert problems("GET", path.format("D8"), status, response.json()) == []


@needs_contract
def test_batch_and_get_by_ids_match_the_contract(running: Emulator, client: Any) -> None:
    items = [{"id": "1", "method": "GET", "url": "/organization"}, {"id": "2", "method": "GET", "url": "users/nobody"}]
    batch = client(running, "/$batch", method="POST", json={"requests": items})
    assert problems("POST", "/$batch", 200, batch.json()) == []
    ids = [running.tenants["contoso"].people.value(0, "id"), group_id(running, "LIC-E3")]
    objects = client(running, "/directoryObjects/getByIds", method="POST", json={"ids": ids})
    assert problems("POST", "/directoryObjects/getByIds", 200, objects.json()) == []
    assert [row["@odata.type"] for row in objects.json()["value"]] == [
        "#microsoft.graph.user",
        "#microsoft.graph.group",
    ]


@needs_contract
def test_contract_check_detects_a_misspelt_property() -> None:
    assert problems("GET", "/subscribedSkus", 200, {"value": [{"skuID": "x"}]})
    assert problems("GET", "/users", 200, {"values": []})
