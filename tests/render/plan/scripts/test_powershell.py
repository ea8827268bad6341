"""plan.ps1 and undo.ps1: syntax, commands and data; their requests are executed against the emulator and undone.

PowerShell itself is not run: the data is parsed with PowerShell's grammar, and its requests are sent in order.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace
from tree_sitter import Node

from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.demo import policies as demo_policies
from auditor.demo import snapshots as demo_snapshots
from auditor.policy.loader import Loaded, load
from auditor.remedy.planner.model import FleetPlan
from auditor.render.plan.scripts.data_block import KINDS
from auditor.render.plan.scripts.http import http_messages
from auditor.render.plan.scripts.powershell import plan_script, undo_script
from tests.builders.document.powershell import CMDLETS, Script, single, walk
from tests.builders.result.hostile_texts import HOSTILE
from tests.builders.service.command_line import AS_OF, call
from tests.builders.tenant.plan_of_every_kind import DEPARTMENT, document, rules
from tests.builders.tenant.plan_tenants import F3, grant, planned, snapshot, user
from tests.builders.tenant.planned_state import collected, open_findings
from tests.builders.tenant.script_data import Graph, planned_changes, steps
from tests.builders.tenant.served import served
from tests.builders.tenant.tenants import NOW
from tests.emulator.fixtures import running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import load as load_tenant

pytestmark = pytest.mark.slow
AUTOMATIC = {
    *("_", "args", "null", "true", "false", "Matches", "PSCmdlet", "PSScriptRoot", "WhatIfPreference"),
    "script:By",
}
TIME = "2026-11-20T02:17:00Z"


class HttpMessage(Struct, frozen=True):
    """One request."""

    name: str
    method: str
    address: str
    headers: Mapping[str, str]
    body: Any
    """The decoded JSON; None if there is none."""


def messages(source: bytes, **variables: str) -> Iterator[HttpMessage]:
    """Yield the requests of an HTTP file, which `###` separates; raises KeyError for an unknown variable, ValueError for an invalid line."""
    text = re.sub(r"\{\{(.*?)\}\}", lambda match: variables[match[1].strip()], source.decode())
    for part in re.split(r"(?m)^###", text)[1:]:
        name, _, rest = part.partition("\n")
        head, _, body = rest.partition("\n\n")
        lines = [line for line in head.splitlines() if line and not line.startswith("#")]
        match = re.fullmatch(r"([A-Z]+) (https://\S+) HTTP/1\.1", lines[0])
        if match is None:
            raise ValueError(lines[0])
        headers = dict(line.split(": ", 1) for line in lines[1:])
        content = "\n".join(line for line in body.splitlines() if not line.startswith("#"))
        yield HttpMessage(name.strip(), match[1], match[2], headers, json.loads(content) if content.strip() else None)


def assert_data_matches_graph(graph: Graph, data: Mapping[str, Any]) -> None:
    """Assert that the data about people and groups is what Graph reports before the first change."""
    for identifier, person in data["$People"].items():
        current = graph.person(identifier)
        assert current["Paths"] == person["Paths"]
        assert {name: current[name] for name in person["Properties"]} == person["Properties"]
    for group, group_data in data["$Groups"].items():
        live = graph.emulator.tenants["contoso"].groups[group]
        assert [row["skuId"] for row in live.document["assignedLicenses"]] == [
            row["SkuId"] for row in group_data["Licenses"]
        ]
        assert not group_data["Members"] or sorted(live.members) == group_data["Members"]


def execute_and_undo(emulator: Emulator, loaded: Loaded, folder: Path) -> tuple[FleetPlan, dict[str, Any], set[str]]:
    """Send the requests of a plan, audit again, and send the requests that undo it.

    Returns the plan, the data, and the people and groups with a change that cannot be undone.
    """
    before = [collected(emulator, folder / "a", loaded.policies)]
    plan = plan_run(before, loaded.policies, builtin(), NOW, decisions=loaded.decisions)
    data = Script(plan_script(plan.tenants[0], TIME)).literals
    assert Script(undo_script(plan.tenants[0], TIME)).literals == data
    graph = Graph(emulator, data)
    assert_data_matches_graph(graph, data)
    first, free = graph.state(data), graph.free_seats()
    taken: Counter[str] = Counter()
    for _, step in steps(data):
        paths = (
            {(row["SkuId"], row["Group"]) for row in graph.person(step["User"])["Paths"]} if step["Waits"] else set()
        )
        assert {(wait["SkuId"], wait["Group"]) for wait in step["Waits"]} <= paths
        for change in filter(None, (step, step["Undo"])):
            values = {row["Name"]: row["Value"] for row in change["Properties"]}
            assert values == (change["Body"] if change["Kind"] == "Property" else {})
        graph.send(step)
        taken.update(step["Seats"])
    assert {sku: count - graph.free_seats()[sku] for sku, count in free.items()} == {sku: taken[sku] for sku in free}
    assert open_findings(emulator, folder / "b", loaded.policies) == {
        item.fingerprint for item in plan.tenants[0].proof.remaining
    }
    final: set[str] = set()
    for _, step in reversed(list(steps(data))):
        assert (step["Undo"] is None) == bool(step["Final"])
        if step["Undo"] is None or not graph.take_back(step["Undo"]):
            final.add(step["User"] or step["Group"])
    last = graph.state(data)
    assert {key: value for key, value in last.items() if key not in final} == {
        key: value for key, value in first.items() if key not in final
    }
    return plan, data, final


def test_plan_with_every_kind_of_change_is_executed_and_undone(tmp_path: Path) -> None:
    with running_emulator([load_tenant(document())]) as emulator:
        plan, data, final = execute_and_undo(emulator, rules(), tmp_path)
    assert {step["Kind"] for _, step in steps(data)} == set(KINDS)
    assert plan.proven
    requests = [
        (request["method"], request["path"], request["body"])
        for action in plan.tenants[0].actions
        for request in action.requests
    ]
    assert [(step["Method"], step["Path"], step["Body"]) for _, step in steps(data)] == requests
    irreversible = {(step["Kind"], step["User"] or step["Group"]) for _, step in steps(data) if step["Undo"] is None}
    assert ({kind for kind, _ in irreversible}, {name for _, name in irreversible}) == (
        {"Reprocess", "GroupLicense"},
        final,
    )
    assert any(step["Waits"] for _, step in steps(data))
    by_id = {action.id: (number, action) for number, action in enumerate(plan.tenants[0].actions, start=1)}
    for action in data["$Actions"]:
        number, source = by_id[action["Fingerprint"]]
        assert (action["Number"], action["Title"]) == (number, source.title)
        assert action["Decision"] == (source.confidence == "review")
        assert len(action["NoWayBack"]) == len(source.irreversible)
    assert {action["Decision"] for action in data["$Actions"]} == {True, False}


def test_plan_of_the_built_in_tenant_is_executed_and_undone(tmp_path: Path) -> None:
    loaded = load(demo_policies(NOW))
    with running_emulator([load_tenant(served(demo_snapshots(NOW)[0]))]) as emulator:
        _, data, final = execute_and_undo(emulator, loaded, tmp_path)
    assert len(list(steps(data))) > 10
    assert len(final) < len(data["$People"]) / 7, "only retries, and the seats that they took, are final"


def test_plan_http_and_plan_ps1_lead_to_the_same_state(tmp_path: Path) -> None:
    states = []
    for file_format in ("http", "powershell"):
        with planned_changes(tmp_path / file_format, TIME) as (emulator, plan, script):
            data = script.literals
            graph = Graph(emulator, data)
            if file_format == "http":
                for message in messages(http_messages(plan, TIME), token="t"):
                    assert message.headers["Authorization"] == "Bearer t"
                    path = message.address.removeprefix(graph.root)
                    graph.send({"Method": message.method, "Path": path, "Body": message.body})
            else:
                for _, step in steps(data):
                    graph.send(step)
            states.append(graph.state(data))
    assert states[0] == states[1]
    assert any(value["department"] == DEPARTMENT for value in states[0].values() if isinstance(value, dict))


def every_kind(tmp_path: Path, **names: str) -> Script:
    with planned_changes(tmp_path, TIME, **names) as (_, plan, script):
        list(messages(http_messages(plan, TIME), token="t"))
        Script(undo_script(plan, TIME))
    return script


def test_scripts_use_only_known_commands_and_assigned_variables(tmp_path: Path) -> None:
    plan = every_kind(tmp_path)
    undo = Script(undo_script(planned(snapshot([user("u", grant(F3))], {F3: 1}), RULES), TIME))
    for script in (plan, undo):
        assert script.undocumented() == []
        used = {name for node in walk(script.root) for name in variables(node, used=True)}
        assigned = {name for node in walk(script.root) for name in variables(node, used=False)}
        assert used <= assigned | {name.lower() for name in AUTOMATIC}


def variables(node: Node, *, used: bool) -> Iterator[str]:
    """Yield the variable that a node refers to (`used`), or the variables that it assigns."""
    if used and node.type == "variable":
        yield (node.text or b"").decode().lstrip("$@").lower()
    elif not used and node.type in {"assignment_expression", "script_parameter", "foreach_statement"}:
        parts = node.children[:1] if node.type == "assignment_expression" else node.children
        yield from (name for part in parts for name in variables(single(part), used=True))


RULES = "policies: [{id: leavers, severity: high, users: {accountEnabled: false}, assignments: {deny: paid}}]\n"


def test_script_requires_the_modules_and_permissions_of_its_actions(tmp_path: Path) -> None:
    def required(source: bytes) -> set[str]:
        return set(
            re.findall(r"#Requires -Modules @\{ ModuleName = '([\w.]+)'; ModuleVersion = '2\.0\.0' \}", source.decode())
        )

    small = planned(snapshot([user("leaver", grant(F3), accountEnabled=False)], {F3: 9}), RULES)
    source = plan_script(small, TIME)
    modules = ("Authentication", "Identity.DirectoryManagement", "Users", "Users.Actions")
    assert required(source) == {f"Microsoft.Graph.{name}" for name in modules}
    (action,) = Script(source).literals["$Actions"]
    assert action["Scopes"] == ["LicenseAssignment.ReadWrite.All", "User.Read.All"]
    assert source.startswith(b"\xef\xbb\xbf#Requires -Version 5.1\n")
    assert b"[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]" in source
    used = {
        CMDLETS["cmdlets"][command.name]["module"] for command in every_kind(tmp_path).commands if "-Mg" in command.name
    }
    named = {name for kind in KINDS.values() for name in kind.modules}
    assert used == {f"Microsoft.Graph.{name}" for name in (*named, "Authentication", "Identity.DirectoryManagement")}


def test_hostile_names_do_not_become_code(tmp_path: Path) -> None:
    # A snapshot cannot contain surrogates.
    joined = "".join(text for name, text in HOSTILE.items() if name != "surrogate")
    text = joined + "'; Remove-Item *; '\u2019\u2018#>$(Get-Date)`n{{token}}"
    plain = every_kind(tmp_path / "plain")
    hostile = every_kind(tmp_path / "hostile", leaver=text, mover=text, **{"LIC-E3": text})
    assert hostile.commands == plain.commands
    assert len(hostile.comments) == len(plain.comments)
    names = [person["Name"] for person in hostile.literals["$People"].values()]
    assert sum("Remove-Item" in name and name.isprintable() for name in names) == 2
    assert not any("#>" in text or "<#" in text for text in hostile.comments if "Remove-Item" in text)


def test_irreversible_step_has_a_reason() -> None:
    rules = (
        "policies: [{id: here, severity: low, attributes: {require: [usageLocation], allow: {usageLocation: [NL]}}}]\n"
    )
    nowhere = user("nowhere", grant(F3), usageLocation=None)
    plan = planned(snapshot([nowhere], {F3: 9}), rules)
    data = Script(plan_script(plan, TIME)).literals
    ((_, step),) = steps(data)
    assert (step["Kind"], step["Undo"]) == ("Property", None)
    assert "usageLocation" in step["Final"]


def test_scripts_have_the_no_break_spaces_of_amounts_as_spaces() -> None:
    rules = (
        "policies: [{id: here, severity: low, attributes: {require: [usageLocation], allow: {usageLocation: [NL]}}}]\n"
    )
    plan = planned(snapshot([user("nowhere", grant(F3), usageLocation=None)], {F3: 9}), rules)
    (action,) = plan.actions
    many = replace(plan, actions=(replace(action, title="Angiv for 1\u00a0234 personer"),))
    for source in (plan_script(many, TIME), http_messages(many, TIME)):
        assert b"Angiv for 1 234 personer" in source
        assert b"xa0" not in source


def test_plan_command_writes_the_scripts_of_each_tenant(tmp_path: Path) -> None:
    plan = ("plan", "--demo", "--as-of", AS_OF, "-q")
    assert call(*plan, "-f", "powershell,http", cwd=tmp_path).code == 0
    names = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    files = ("plan.ps1", "undo.ps1", "approvals.csv", "plan.http")
    assert names == {f"{tenant}/{file}" for tenant in ("contoso", "fabrikam") for file in files}
    for path in tmp_path.rglob("*.ps1"):
        assert Script(path.read_bytes()).literals["$Actions"]
    fabrikam = call(*plan, "--tenant", "fabrikam", "-f", "powershell=-", cwd=tmp_path)
    assert fabrikam.out == (tmp_path / "out/fabrikam/plan.ps1").read_bytes()
    redacted = call(*plan, "--redact", "-f", "http", cwd=tmp_path, AUDITOR_REDACTION_KEY="k" * 40)
    assert (redacted.code, "pseudonyms" in redacted.err) == (2, True), redacted.err
