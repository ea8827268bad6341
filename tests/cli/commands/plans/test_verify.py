"""`auditor verify`: compare a plan with the state of the tenant after its requests were sent."""

import html
import json
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from auditor.domain.enums import Source, SourceStatus
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, call
from tests.builders.service.planned_tenant import POLICY, Send, carry_out, run
from tests.builders.tenant.plan_tenants import E3, F3, VISIO, grant, group, snapshot, user
from tests.emulator.server import Emulator

pytestmark = pytest.mark.slow


def verify(workspace: Path, emulator: Emulator, *options: str) -> tuple[int, dict[str, Any], str]:
    completed = run(workspace, emulator, "verify", "out/plan.json", *options)
    assert completed.code in {0, 1, 3}, completed.err
    (tenant,) = json.loads((workspace / "out" / "verification.json").read_text())["tenants"]
    return completed.code, tenant, completed.text


def verdicts(tenant: dict[str, Any]) -> set[str]:
    return {action["verdict"] for action in tenant["actions"]}


def test_no_action_was_carried_out(workspace: Path, emulator: Emulator) -> None:
    code, tenant, text = verify(workspace, emulator)
    assert (code, verdicts(tenant)) == (1, {"not"})
    assert {finding["state"] for finding in tenant["findings"]} == {"open"}
    assert tenant["freed"]["actual"] == 0
    assert tenant["freed"]["money"] == [{"currency": "EUR", "planned": 114.6, "actual": 0}]
    assert text.startswith(f"0 of {len(tenant['actions'])} actions planned on ")


def test_every_action_was_carried_out(workspace: Path, emulator: Emulator, send: Send) -> None:
    carry_out(workspace, send, log="done.jsonl")
    for log in ((), ("--done", "done.jsonl")):
        code, tenant, text = verify(workspace, emulator, *log)
        assert (code, verdicts(tenant)) == (0, {"done"}), text
        assert {finding["state"] for finding in tenant["findings"]} == {"gone"}
        assert tenant["freed"]["money"] == [{"currency": "EUR", "planned": 114.6, "actual": 114.6}]
        assert (tenant["freed"]["planned"], tenant["freed"]["actual"]) == (4, 4)
    assert "4 seats freed and not assigned again (€114.60 a month)" in " ".join(text.split())
    assert "Carried out by admin@contoso.example: 21 Nov 2026." in text
    runs = [action["execution"] for action in tenant["actions"] if action["requests"]]
    assert {(run["by"][0], run["last"][:16]) for run in runs} == {("admin@contoso.example", "2026-11-21T10:00")}


@pytest.mark.parametrize("audit", [(), ("--plan", "out/plan.json"), ("--store", "st")])
def test_members_are_read_live_even_if_a_group_gives_nobody_a_licence_any_more(
    workspace: Path, emulator: Emulator, send: Send, audit: tuple[str, ...]
) -> None:
    """`verify`, `audit --plan` and an audit with a store that has a plan read what a plan needs."""
    assert run(workspace, emulator, "plan", "--snapshot", "before", "-q", "--as-of", AS_OF, "--store", "st").code == 0
    carry_out(workspace, send)
    group = next(iter(emulator.tenants["contoso"].groups))
    for member in send({"method": "GET", "path": f"/groups/{group}/members", "body": None}).json()["value"]:
        send({"method": "DELETE", "path": f"/groups/{group}/members/{member['id']}/$ref", "body": None})
    if audit:
        completed = run(workspace, emulator, "audit", *audit, "-f", "json")
        code, text = completed.code, completed.err
        tenant = json.loads((workspace / "out" / "result.json").read_text())["tenants"][0]["verification"]
    else:
        code, tenant, text = verify(workspace, emulator)
    assert (code, verdicts(tenant)) == (0, {"done"}), text


def test_reports_and_mails_show_the_verification(workspace: Path, emulator: Emulator, send: Send) -> None:
    carry_out(workspace, send, log="done.jsonl")
    formats = ("-f", "html", "-f", "json", "-f", "markdown", "-f", "terminal=summary.txt", "--fail-on", "never")
    completed = run(workspace, emulator, "audit", "--plan", "out/plan.json", "--done", "done.jsonl", "-q", *formats)
    assert completed.code == 0, completed.err
    summary = "3 of 3 actions planned on 20 Nov 2026 done: 4 seats freed and not assigned again (€114.60 a month)."
    for name in ("out/report.html", "out/summary.md", "summary.txt"):
        text = (workspace / name).read_text()
        assert (summary in text, "Carried out by admin" in text) == (True, True), name
    result = json.loads((workspace / "out" / "result.json").read_text())
    assert result["tenants"][0]["verification"]["freed"]["actual"] == 4
    assert run(workspace, emulator, "send", "out/result.json", "--dry-run").code == 0
    mails = {
        path.stem: message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (workspace / "out/mail").iterdir()
    }
    bodies = {name: mail.get_body(("plain",)) for name, mail in mails.items()}
    texts = {name: body.get_content() for name, body in bodies.items() if body is not None}
    assert (
        "3 van 3 op 20 nov 2026 geplande acties gedaan: 4 licentieplaatsen vrijgemaakt en niet opnieuw toegewezen (€ 114,60 per maand)."
        in " ".join(texts["all@contoso.example"].split())
    )
    assert "2 of 2 actions planned on 20 Nov 2026 done" in texts["it@contoso.example"], (
        "an owner gets only their own actions"
    )


def test_audit_verifies_the_latest_plan_of_its_store(tmp_path: Path, fleet: Path) -> None:
    options = ("--snapshot", str(fleet), "--store", "st", "-q")
    assert call("plan", *options, "--as-of", AS_OF, cwd=tmp_path).code in {0, 3}
    for day, expected in {"2026-11-20T12:00:00Z": False, "2026-11-20T12:00:01Z": True}.items():
        completed = call("audit", *options[:4], "--as-of", day, "-f", "json,terminal", cwd=tmp_path)
        assert ("actions planned on 20 Nov 2026 done" in completed.text) is expected, completed.err
    (damaged,) = (tmp_path / "st" / "fabrikam" / "plans").iterdir()
    damaged.write_text("{")
    completed = call("audit", *options[:4], "--as-of", "2026-11-22T12:00:00Z", "-f", "terminal", cwd=tmp_path)
    assert ("warning[plan-damaged]" in completed.err, "actions planned on 20 Nov 2026 done" in completed.text) == (
        True,
        True,
    )
    prune = ("--keep", "1d", "--as-of", "2026-11-29T12:00:00Z", "--delete", "--tenant", "contoso")
    assert call("plan", *options, "--as-of", "2026-11-28T12:00:00Z", cwd=tmp_path).code in {0, 3}
    assert "1 plan deleted" in call("store", "prune", "st", *prune, cwd=tmp_path).err
    assert [path.name for path in (tmp_path / "st/contoso/plans").iterdir()] == ["2026-11-28T120000Z.json"]


def test_partly_executed_action_fails_unless_it_is_missing_from_the_log(
    workspace: Path, emulator: Emulator, send: Send
) -> None:
    carry_out(workspace, send, log="done.jsonl", most=1)
    code, tenant, _ = verify(workspace, emulator, "--done", "done.jsonl")
    assert (code, verdicts(tenant)) == (1, {"partly", "done"})
    lines = (workspace / "done.jsonl").read_text().splitlines(keepends=True)
    partly = next(action["number"] for action in tenant["actions"] if action["verdict"] == "partly")
    (workspace / "done.jsonl").write_text("".join(line for line in lines if json.loads(line)["action"] != partly))
    code, tenant, _ = verify(workspace, emulator, "--done", "done.jsonl")
    assert code == 0, "actions missing from the log were not attempted"


@pytest.mark.parametrize("has_action", [True, False])
def test_finding_that_reappears_is_reported_as_came_back(
    workspace: Path,
    emulator: Emulator,
    send: Send,
    has_action: bool,  # noqa: FBT001
) -> None:
    """Also one that is fixed, but in no action's list, like the budget of a tenant: then all requests must be done."""
    carry_out(workspace, send, log="done.jsonl")
    (ann,) = (finding for finding in planned_findings(workspace) if finding["subject"]["name"] == "Ann")
    if not has_action:
        plan = json.loads((workspace / "out" / "plan.json").read_text())
        for action in plan["tenants"][0]["actions"]:
            action["findings"] = [item for item in action["findings"] if item != ann["fingerprint"]]
        (workspace / "out" / "plan.json").write_text(json.dumps(plan))
    sku = ann["product"]["skuId"]
    body = {"addLicenses": [{"skuId": sku, "disabledPlans": []}], "removeLicenses": []}
    request = {"method": "POST", "path": f"/users/{ann['subject']['id']}/assignLicense", "body": body}
    assert send(request).status_code == 200
    states = {}
    for log in ((), ("--done", "done.jsonl")):
        code, tenant, text = verify(workspace, emulator, *log)
        assert code == 1
        states[log] = next(f["state"] for f in tenant["findings"] if f["fingerprint"] == ann["fingerprint"])
    assert set(states.values()) == {"open", "came-back"}, "without a log it is not known that the finding was gone"
    assert "1 finding was reopened" in " ".join(text.split())
    assert "undone" in {step["cause"] for action in tenant["actions"] for step in action["steps"]}


def test_page_and_markdown_list_every_action_and_its_people(workspace: Path, emulator: Emulator) -> None:
    completed = run(workspace, emulator, "verify", "out/plan.json", "-f", "html", "-f", "markdown")
    assert completed.code == 1, completed.err
    titles = [
        action["title"] for action in json.loads((workspace / "out" / "plan.json").read_text())["tenants"][0]["actions"]
    ]
    names = [finding["subject"]["name"] for finding in planned_findings(workspace)]
    assert names
    for suffix in ("html", "md"):
        text = html.unescape((workspace / "out" / f"verification.{suffix}").read_text(encoding="utf-8"))
        missing = [title for title in titles if title not in text]
        assert missing == []
        assert [name for name in names if name not in text] == []


def planned_findings(workspace: Path) -> list[dict[str, Any]]:
    return list(json.loads((workspace / "out" / "plan.json").read_text())["tenants"][0]["findings"])


def test_findings_resolved_in_another_way_and_new_findings(workspace: Path, emulator: Emulator, send: Send) -> None:
    by_name = {finding["subject"]["name"]: finding["subject"]["id"] for finding in planned_findings(workspace)}
    for name in ("Ann", "Bob", "Eva", "Cem"):
        body: dict[str, Any] = {"accountEnabled": True}
        assert send({"method": "PATCH", "path": f"/users/{by_name[name]}", "body": body}).is_success
    body = {"usageLocation": "BE"}
    assert send({"method": "PATCH", "path": f"/users/{by_name['Kim']}", "body": body}).is_success
    code, tenant, _ = verify(workspace, emulator)
    assert code == 1
    assert verdicts(tenant) == {"changed"}
    assert {action["cause"] for action in tenant["actions"]} == {"other-way", "value"}
    assert {finding["state"] for finding in tenant["findings"]} == {"gone", "new"}


LINE = '{"time": "2026-11-21T10:00:00Z", "by": "a@b.example", "tenant": "%s", "action": 1, "fingerprint": "%s", "step": %s, "outcome": "done"}\n'


def damage(plan: dict[str, Any], change: str) -> str:
    tenant = plan["tenants"][0]
    match change:
        case "other":
            tenant["tenantId"] = "99999999-2222-3333-4444-555555555555"
        case "absent":
            tenant["name"] = "elsewhere"
        case "request":
            damaged = next(action for action in tenant["actions"] if action["requests"])
            damaged["requests"][0]["path"] = "/users/x"
        case "twice":
            plan["tenants"].append(tenant)
        case "missing":
            del tenant["tenantId"]
        case version if version.startswith("auditor/"):
            plan["schema"] = version
        case _:
            plan["redacted"] = True
    return json.dumps(plan)


@pytest.mark.parametrize(
    ("change", "slug", "location"),
    [
        ("auditor/plan/v0", "plan-version", "plan.json has the schema 'auditor/plan/v0'"),
        ("auditor/result/v1", "plan-foreign", "plan.json does not have the schema 'auditor/plan/v1'"),
        ("other", "plan-tenant", "99999999-2222-3333-4444-555555555555"),
        ("absent", "plan-tenant", "elsewhere"),
        ("request", "plan-damaged", ".requests[0]"),
        ("twice", "plan-damaged", "lists 'contoso' twice"),
        ("missing", "plan-damaged", "tenants[0]: 'tenantId' is missing"),
        ("redacted", "plan-redacted", "pseudonyms"),
    ],
)
def test_invalid_plan_is_an_error(tmp_path: Path, demo_plan: str, change: str, slug: str, location: str) -> None:
    (tmp_path / "plan.json").write_text(damage(json.loads(demo_plan), change))
    completed = call("verify", "plan.json", "--demo", "--tenant", "contoso", cwd=tmp_path)
    assert (completed.code, f"error[{slug}]" in completed.err, location in completed.err) == (2, True, True), (
        completed.err
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("lines", "location"),
    [
        ("{\n", "done.jsonl:1:2: error[log-damaged]: invalid JSON: "),
        ("\n{}\n", "done.jsonl:2:1: error[log-damaged]: $: 'time' is missing"),
        (LINE % ("nobody", "x", 1), "done.jsonl:1:1: error[log-damaged]: the plan has no tenant 'nobody'"),
        (LINE % ("TENANT", "ACTION", 99), "done.jsonl:1:1: error[log-damaged]: action "),
        (LINE % ("TENANT", "x", 1), "done.jsonl:1:1: error[log-damaged]: no line refers to an action of the plan"),
        (None, "error[log-unreadable]: done.jsonl cannot be read"),
    ],
)
def test_invalid_log_is_an_error(tmp_path: Path, demo_plan: str, lines: str | None, location: str) -> None:
    tenant = json.loads(demo_plan)["tenants"][0]
    action = next(action["id"] for action in tenant["actions"] if action["requests"])
    (tmp_path / "plan.json").write_text(demo_plan)
    if lines is not None:
        text = lines.replace("TENANT", tenant["tenantId"]).replace("ACTION", action)
        (tmp_path / "done.jsonl").write_text(text)
    completed = call("verify", "plan.json", "--demo", "--done", "done.jsonl", cwd=tmp_path)
    assert (completed.code, location in completed.err) == (2, True), completed.err


@pytest.fixture(scope="module")
def demo_plan(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("demo")
    call("plan", "--demo", "--as-of", AS_OF, "-q", cwd=folder)
    return (folder / "out" / "plan.json").read_text()


def test_outcome_is_unknown_if_the_source_was_not_read_completely(tmp_path: Path) -> None:
    """Missing users may be deleted or not read: a source that was not read completely proves nothing."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    people = [user(name, grant(E3), accountEnabled=False) for name in ("ann", "bob")]
    write(tmp_path / "before", snapshot(people, {E3: 5}))
    partial = snapshot(people[:1], {E3: 5}, statuses={Source.USERS: SourceStatus.PARTIAL})
    write(tmp_path / "after", partial)
    call("plan", "--snapshot", "before", "policy.yaml", "-q", "--as-of", AS_OF, cwd=tmp_path)
    completed = call("verify", "out/plan.json", "--snapshot", "after", "policy.yaml", "--as-of", AS_OF, cwd=tmp_path)
    (tenant,) = json.loads((tmp_path / "out" / "verification.json").read_text())["tenants"]
    (action,) = (item for item in tenant["actions"] if item["requests"])
    assert (completed.code, action["verdict"], action["cause"], action["detail"]) == (3, "unknown", "source", "users")
    assert (tenant["freed"]["actual"], tenant["freed"]["atLeast"]) == (0, True)
    assert {finding["state"] for finding in tenant["findings"]} == {"open", "unknown"}
    options = ("--snapshot", "after", "policy.yaml", "--as-of", AS_OF, "-q")
    quiet = call("verify", "out/plan.json", *options, cwd=tmp_path)
    assert (quiet.code, quiet.out) == (3, b"")
    assert quiet.err.startswith("error[audit-incomplete]: contoso: Users and their licences: partly read"), quiet.err


@pytest.mark.parametrize(("waits", "verdict"), [(VISIO, "done"), (F3, "not")])
def test_retry_is_done_if_its_product_has_no_error_any_more(tmp_path: Path, waits: str, verdict: str) -> None:
    """The request names no product; errors of other products of the same user do not count."""
    (tmp_path / "policy.yaml").write_text(
        "version: 1\npolicies: [{id: errors, severity: low, health: {errors: deny}}]\n"
    )
    errors = {F3: "CountViolation", VISIO: "MutuallyExclusiveViolation"}
    for night, waiting in (("before", {F3, VISIO}), ("after", {waits})):
        paths = [grant(sku, "g1", error=error if sku in waiting else None) for sku, error in errors.items()]
        ann = user("ann", grant(E3), *paths)
        state = snapshot([ann], {E3: 1, F3: 1, VISIO: 1}, groups=[group("Office", F3, VISIO)])
        write(tmp_path / night, state)
    call("plan", "--snapshot", "before", "policy.yaml", "-q", "--as-of", AS_OF, cwd=tmp_path)
    ((expectation,),) = [
        tenant["expected"] for tenant in json.loads((tmp_path / "out" / "plan.json").read_text())["tenants"]
    ]
    assert (expectation["fact"], expectation["key"], expectation["before"], expectation["after"]) == (
        "seatError",
        F3,
        True,
        False,
    )
    call("verify", "out/plan.json", "--snapshot", "after", "policy.yaml", "--as-of", AS_OF, cwd=tmp_path)
    (tenant,) = json.loads((tmp_path / "out" / "verification.json").read_text())["tenants"]
    assert [action["verdict"] for action in tenant["actions"] if action["requests"]] == [verdict]
