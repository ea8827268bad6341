"""plan.ps1 and undo.ps1: their grammar, their commands, and their data, carried out against the emulator and taken back.

PowerShell itself does not run here. The data is read back by the grammar of PowerShell; the requests in it are sent in its order.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tree_sitter import Node

from auditor.app.audit.pipeline import audit
from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.demo import policies as demo_policies
from auditor.demo import snapshots as demo_snapshots
from auditor.domain.enums import Status
from auditor.policy.loader import Loaded, load
from auditor.remedy.planner.model import FleetPlan
from auditor.remedy.scripts.data_block import KINDS
from auditor.remedy.scripts.http import http_messages
from auditor.remedy.scripts.powershell import plan_script, undo_script
from auditor.snapshot.model import Snapshot
from tests.builders.document.http_file import messages
from tests.builders.document.powershell import Script, single, walk
from tests.builders.result.hostile_texts import HOSTILE
from tests.builders.service.command_line import AS_OF, call
from tests.builders.tenant.plan_of_every_kind import DEPARTMENT, document, rules
from tests.builders.tenant.plan_tenants import F3, VISIO, grant, planned, snapshot, user
from tests.builders.tenant.planned_state import collected
from tests.builders.tenant.script_run import Graph, ScriptRun, planned_changes, steps
from tests.builders.tenant.served import served
from tests.builders.tenant.tenants import NOW
from tests.emulator.fixtures import running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import load as load_tenant

TABLE = json.loads(Path(__file__).with_name("cmdlets.json").read_text(encoding="utf-8"))
BUILT_IN = {
    *("Add-Content", "ConvertFrom-Json", "ConvertTo-Json", "ForEach-Object", "Get-Content", "Import-Csv", "Join-Path"),
    *("Select-Object", "Set-StrictMode", "Sort-Object", "Start-Sleep", "Start-Transcript", "Stop-Transcript"),
    *("Test-Path", "Where-Object", "Write-Host", "Write-Warning"),
}
AUTOMATIC = {
    *("_", "args", "null", "true", "false", "Matches", "PSCmdlet", "PSScriptRoot", "WhatIfPreference"),
    "script:By",
}
AS = "2026-11-20T02:17:00Z"


def agrees(graph: Graph, data: Mapping[str, Any]) -> None:
    """The data says of people and groups what Graph says before the first change."""
    for identifier, person in data["$People"].items():
        found = graph.person(identifier)
        assert found["Paths"] == person["Paths"]
        assert {name: found[name] for name in person["Properties"]} == person["Properties"]
    for group, held in data["$Groups"].items():
        live = graph.emulator.tenants["contoso"].groups[group]
        assert [row["skuId"] for row in live.document["assignedLicenses"]] == [row["SkuId"] for row in held["Licenses"]]
        assert not held["Members"] or sorted(live.members) == held["Members"]


def open_marks(state: Snapshot, found: Loaded) -> set[str]:
    result = audit([state], found.policies, builtin(), NOW)
    return {each.fingerprint for owner in result.tenants for each in owner.findings if each.status is Status.OPEN}


def prove(emulator: Emulator, found: Loaded, folder: Path) -> tuple[FleetPlan, dict[str, Any], set[str]]:
    """Carry the plan out as plan.ps1 has it, audit again, and take it back as undo.ps1 has it.

    Returns the plan, the data, and the people and groups for whom something could not be taken back.
    """
    plan = plan_run([collected(emulator, folder / "a")], found.policies, builtin(), NOW, decisions=found.decisions)
    data = Script(plan_script(plan.tenants[0], AS)).literals
    assert Script(undo_script(plan.tenants[0], AS)).literals == data
    graph = Graph(emulator, data)
    agrees(graph, data)
    first = graph.state(data)
    run = ScriptRun(data, graph)
    for _, step in steps(data):
        paths = (
            {(row["SkuId"], row["Group"]) for row in graph.person(step["User"])["Paths"]} if step["Waits"] else set()
        )
        assert {(wait["SkuId"], wait["Group"]) for wait in step["Waits"]} <= paths
        assert run.step(step) == "done"
    again = ScriptRun(data, graph, [step for _, step in steps(data)])
    assert {again.step(step) for _, step in steps(data)} == {"unchanged"}
    assert open_marks(collected(emulator, folder / "b"), found) == {
        item.fingerprint for item in plan.tenants[0].proof.remaining
    }
    final: set[str] = set()
    for _, step in reversed(list(steps(data))):
        assert (step["Undo"] is None) == bool(step["Final"])
        undo = step["Undo"]
        if undo is not None:
            assert not run.is_reached(undo)
            assert list(run.differences(undo)) == []
        if undo is None or run.missing_seats(undo) or not graph.take_back(undo):
            final.add(step["User"] or step["Group"])
        else:
            run.add_effect(undo)
    last = graph.state(data)
    assert {key: value for key, value in last.items() if key not in final} == {
        key: value for key, value in first.items() if key not in final
    }
    return plan, data, final


@pytest.mark.slow
def test_a_plan_with_every_kind_of_change_is_carried_out_and_taken_back(tmp_path: Path) -> None:
    with running_emulator([load_tenant(document())]) as emulator:
        plan, data, final = prove(emulator, rules(), tmp_path)
    assert {step["Kind"] for _, step in steps(data)} == set(KINDS)
    assert plan.proven
    requests = [
        (each["method"], each["path"], each["body"]) for action in plan.tenants[0].actions for each in action.requests
    ]
    assert [(step["Method"], step["Path"], step["Body"]) for _, step in steps(data)] == requests
    for_good = {(step["Kind"], step["User"] or step["Group"]) for _, step in steps(data) if step["Undo"] is None}
    assert ({kind for kind, _ in for_good}, {name for _, name in for_good}) == ({"Reprocess", "GroupLicense"}, final)
    assert any(step["Waits"] for _, step in steps(data))
    by_id = {action.id: (number, action) for number, action in enumerate(plan.tenants[0].actions, start=1)}
    for action in data["$Actions"]:
        number, source = by_id[action["Fingerprint"]]
        assert (action["Number"], action["Title"]) == (number, source.title)
        assert action["Decision"] == (source.confidence == "review")
        assert len(action["NoWayBack"]) == len(source.irreversible)
    assert {action["Decision"] for action in data["$Actions"]} == {True, False}


@pytest.mark.slow
def test_the_plan_of_the_built_in_tenant_is_carried_out_and_taken_back(tmp_path: Path) -> None:
    found = load(demo_policies(NOW))
    with running_emulator([load_tenant(served(demo_snapshots(NOW)[0]))]) as emulator:
        _, data, final = prove(emulator, found, tmp_path)
    assert len(list(steps(data))) > 10
    assert len(final) < len(data["$People"]) / 7, "retries, and seats that the retries took"


@pytest.mark.slow
def test_the_messages_of_plan_http_lead_to_the_same_state(tmp_path: Path) -> None:
    states = []
    for form in ("http", "powershell"):
        with planned_changes(tmp_path / form, AS) as (emulator, plan, script):
            data = script.literals
            graph = Graph(emulator, data)
            if form == "http":
                for each in messages(http_messages(plan, AS), token="t"):
                    assert each.headers["Authorization"] == "Bearer t"
                    path = each.address.removeprefix(graph.root)
                    graph.send({"Method": each.method, "Path": path, "Body": each.body})
            else:
                for _, step in steps(data):
                    graph.send(step)
            states.append(graph.state(data))
    assert states[0] == states[1]
    assert any(value["department"] == DEPARTMENT for value in states[0].values() if isinstance(value, dict))


OTHER = {"addLicenses": [{"skuId": VISIO, "disabledPlans": []}], "removeLicenses": []}
"""What somebody else assigns meanwhile."""


@pytest.mark.slow
def test_an_interrupted_run_goes_on_and_a_change_by_somebody_else_is_skipped(tmp_path: Path) -> None:
    with planned_changes(tmp_path, AS) as (emulator, _, script):
        data = script.literals
        graph, all_steps = Graph(emulator, data), [step for _, step in steps(data)]
        first = ScriptRun(data, graph)
        assert {first.step(step) for step in all_steps[:4]} == {"done"}
        # The run ends after the fifth request and before its line in done.jsonl.
        graph.send(all_steps[4])
        other = next(step for step in all_steps[5:] if step["Kind"] == "UserLicense" and not step["Waits"])
        graph.send({"Method": "POST", "Path": f"/users/{other['User']}/assignLicense", "Body": OTHER})
        second = ScriptRun(data, graph, all_steps[:4])
        outcomes = [second.step(step) for step in all_steps[4:]]
    skipped = all_steps.index(other) - 4
    assert outcomes[:1] + outcomes[skipped : skipped + 1] == ["unchanged", "skipped"]
    assert set(outcomes[1:skipped] + outcomes[skipped + 1 :]) == {"done"}


def leave_seats(emulator: Emulator, sku: str, count: int) -> None:
    """Let somebody else hold all seats of a product but some."""
    row = emulator.tenants["contoso"].sku(sku)
    assert row is not None
    row["consumedUnits"] = row["prepaidUnits"]["enabled"] + row["prepaidUnits"]["warning"] - count


@pytest.mark.slow
def test_a_change_that_finds_no_seat_is_skipped_and_nothing_is_sent(tmp_path: Path) -> None:
    with planned_changes(tmp_path, AS) as (emulator, _, script):
        data = script.literals
        graph = Graph(emulator, data)
        (leaving,) = (step for _, step in steps(data) if step["Kind"] == "RemoveMember")
        joining = leaving["Undo"]
        graph.send(leaving)
        changes = [*(step for _, step in steps(data)), joining]
        taking = [(each, [sku for sku, count in each["Seats"].items() if count > 0]) for each in changes]
        taking = [(each, skus) for each, skus in taking if skus]
        for change, skus in taking:
            for sku in skus:
                leave_seats(emulator, sku, change["Seats"][sku] - 1)
            run = ScriptRun(data, graph, [leaving] if change is joining else [])
            assert run.missing_seats(change) == set(skus)
            emulator.journal.clear()
            assert run.step(change) == "skipped"
            assert not emulator.journal.writes()
            for sku in skus:
                leave_seats(emulator, sku, change["Seats"][sku])
            assert ScriptRun(data, graph).missing_seats(change) == set()
    kinds = {change["Kind"] for change, _ in taking}
    assert kinds == {"UserLicense", "GroupLicense", "AddMember", "Reprocess"}


@pytest.mark.slow
def test_seats_that_a_group_takes_later_count_at_once(tmp_path: Path) -> None:
    with planned_changes(tmp_path, AS) as (emulator, _, script):
        data = script.literals
        all_steps = [step for _, step in steps(data)]
        (group,) = (step for step in all_steps if step["Kind"] == "GroupLicense" and step["Seats"])
        person = next(step for step in all_steps if step["Kind"] == "UserLicense" and step["Seats"].get(F3) == 1)
        leave_seats(emulator, F3, group["Seats"][F3])
        emulator.tenants["contoso"].late.lag = 100
        run = ScriptRun(data, Graph(emulator, data))
        assert run.step(group) == "done"
        assert run.graph.free_seats()[F3] == group["Seats"][F3]
        assert run.step(person) == "skipped"


def every_kind(tmp_path: Path, **names: str) -> Script:
    with planned_changes(tmp_path, AS, **names) as (_, plan, script):
        list(messages(http_messages(plan, AS), token="t"))
        Script(undo_script(plan, AS))
    return script


@pytest.mark.slow
def test_commands_and_variables_are_known(tmp_path: Path) -> None:
    plan = every_kind(tmp_path)
    undo = Script(undo_script(planned(snapshot([user("u", grant(F3))], {F3: 1}), RULES), AS))
    for script in (plan, undo):
        own = set(script.functions)
        for command in script.commands:
            if "-Mg" in command.name:
                known = TABLE["cmdlets"][command.name]["parameters"]
                assert command.parameters <= {*known, *TABLE["common"]}, command
            else:
                assert command.name in own | BUILT_IN, command
        used = {name for node in walk(script.root) for name in variables(node, used=True)}
        given = {name for node in walk(script.root) for name in variables(node, used=False)}
        assert used <= given | {name.lower() for name in AUTOMATIC}


def variables(node: Node, *, used: bool) -> Iterator[str]:
    """Yield the variable that a node is, or those that it gives a value to."""
    if used and node.type == "variable":
        yield (node.text or b"").decode().lstrip("$@").lower()
    elif not used and node.type in {"assignment_expression", "script_parameter", "foreach_statement"}:
        parts = node.children[:1] if node.type == "assignment_expression" else node.children
        yield from (name for part in parts for name in variables(single(part), used=True))


RULES = "policies: [{id: leavers, severity: high, users: {accountEnabled: false}, assignments: {deny: paid}}]\n"


@pytest.mark.slow
def test_modules_and_permissions_are_those_of_the_actions(tmp_path: Path) -> None:
    def required(source: bytes) -> set[str]:
        return set(
            re.findall(r"#Requires -Modules @\{ ModuleName = '([\w.]+)'; ModuleVersion = '2\.0\.0' \}", source.decode())
        )

    small = planned(snapshot([user("leaver", grant(F3), accountEnabled=False)], {F3: 9}), RULES)
    source = plan_script(small, AS)
    modules = ("Authentication", "Identity.DirectoryManagement", "Users", "Users.Actions")
    assert required(source) == {f"Microsoft.Graph.{name}" for name in modules}
    (action,) = Script(source).literals["$Actions"]
    assert action["Scopes"] == ["LicenseAssignment.ReadWrite.All", "User.Read.All"]
    assert source.startswith(b"\xef\xbb\xbf#Requires -Version 5.1\n")
    assert b"[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]" in source
    used = {TABLE["cmdlets"][each.name]["module"] for each in every_kind(tmp_path).commands if "-Mg" in each.name}
    named = {name for kind in KINDS.values() for name in kind.modules}
    assert used == {f"Microsoft.Graph.{name}" for name in (*named, "Authentication", "Identity.DirectoryManagement")}


@pytest.mark.slow
def test_no_name_becomes_code(tmp_path: Path) -> None:
    # No snapshot holds a surrogate.
    joined = "".join(text for name, text in HOSTILE.items() if name != "surrogate")
    text = joined + "'; Remove-Item *; '\u2019\u2018#>$(Get-Date)`n{{token}}"
    plain = every_kind(tmp_path / "plain")
    hostile = every_kind(tmp_path / "hostile", leaver=text, mover=text, **{"LIC-E3": text})
    assert hostile.commands == plain.commands
    assert len(hostile.comments) == len(plain.comments)
    named = [person["Name"] for person in hostile.literals["$People"].values()]
    assert sum("Remove-Item" in each and each.isprintable() for each in named) == 2
    assert not any("#>" in each or "<#" in each for each in hostile.comments if "Remove-Item" in each)


def test_what_cannot_be_taken_back_says_why() -> None:
    rules = (
        "policies: [{id: here, severity: low, attributes: {require: [usageLocation], allow: {usageLocation: [NL]}}}]\n"
    )
    nowhere = user("nowhere", grant(F3), usageLocation=None)
    plan = planned(snapshot([nowhere], {F3: 9}), rules)
    data = Script(plan_script(plan, AS)).literals
    ((_, step),) = steps(data)
    assert (step["Kind"], step["Undo"]) == ("Property", None)
    assert "usageLocation" in step["Final"]


@pytest.mark.slow
def test_the_command_writes_the_scripts_of_each_tenant(tmp_path: Path) -> None:
    plan = ("plan", "--demo", "--as-of", AS_OF, "-q")
    assert call(*plan, "-f", "powershell,http", cwd=tmp_path).code == 0
    names = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    files = ("plan.ps1", "undo.ps1", "approvals.csv", "plan.http")
    assert names == {f"{tenant}/{file}" for tenant in ("contoso", "fabrikam") for file in files}
    for path in tmp_path.rglob("*.ps1"):
        assert Script(path.read_bytes()).literals["$Actions"]
    alone = call(*plan, "--tenant", "fabrikam", "-f", "powershell=-", cwd=tmp_path)
    assert alone.out == (tmp_path / "out/fabrikam/plan.ps1").read_bytes()
    refused = call(*plan, "--redact", "-f", "http", cwd=tmp_path, AUDITOR_REDACTION_KEY="k" * 40)
    assert (refused.code, "pseudonyms" in refused.err) == (2, True), refused.err
