"""`auditor verify`: a plan, requests that were sent to a tenant, and what the tenant shows afterwards."""

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


def verified(here: Path, emulator: Emulator, *more: str) -> tuple[int, dict[str, Any], str]:
    ran = run(here, emulator, "verify", "out/plan.json", *more)
    assert ran.code in {0, 1, 3}, ran.err
    (tenant,) = json.loads((here / "out" / "verification.json").read_text())["tenants"]
    return ran.code, tenant, ran.text


def verdicts(tenant: dict[str, Any]) -> set[str]:
    return {action["verdict"] for action in tenant["actions"]}


@pytest.mark.slow
def test_nothing_was_done(here: Path, emulator: Emulator) -> None:
    code, tenant, text = verified(here, emulator)
    assert (code, verdicts(tenant)) == (1, {"not"})
    assert {finding["state"] for finding in tenant["findings"]} == {"open"}
    assert tenant["freed"]["actual"] == 0
    assert tenant["freed"]["money"] == [{"currency": "EUR", "planned": 114.6, "actual": 0}]
    assert text.startswith(f"0 of {len(tenant['actions'])} actions of ")


@pytest.mark.slow
def test_everything_was_done(here: Path, emulator: Emulator, send: Send) -> None:
    carry_out(here, send, log="done.jsonl")
    for log in ((), ("--done", "done.jsonl")):
        code, tenant, text = verified(here, emulator, *log)
        assert (code, verdicts(tenant)) == (0, {"done"}), text
        assert {finding["state"] for finding in tenant["findings"]} == {"gone"}
        assert tenant["freed"]["money"] == [{"currency": "EUR", "planned": 114.6, "actual": 114.6}]
        assert (tenant["freed"]["planned"], tenant["freed"]["actual"]) == (4, 4)
    assert "4 seats, €114.60 a month freed" in text
    assert "Carried out by admin@contoso.example: 21 Nov 2026." in text
    runs = [action["execution"] for action in tenant["actions"] if action["requests"]]
    assert {(each["by"][0], each["last"][:16]) for each in runs} == {("admin@contoso.example", "2026-11-21T10:00")}


@pytest.mark.slow
def test_reports_and_mails_begin_with_it(here: Path, emulator: Emulator, send: Send) -> None:
    carry_out(here, send, log="done.jsonl")
    formats = ("-f", "html", "-f", "json", "-f", "markdown", "-f", "terminal=summary.txt", "--fail-on", "never")
    ran = run(here, emulator, "audit", "--plan", "out/plan.json", "--done", "done.jsonl", "-q", *formats)
    assert ran.code == 0, ran.err
    summary = "4 of 4 actions of 20 Nov 2026 done: 4 seats, €114.60 a month freed."
    for name in ("out/report.html", "out/summary.md", "summary.txt"):
        text = (here / name).read_text().replace("&#58;", ":")
        assert (summary in text, "Carried out by admin" in text) == (True, True), name
    result = json.loads((here / "out" / "result.json").read_text())
    assert result["tenants"][0]["verification"]["freed"]["actual"] == 4
    assert run(here, emulator, "send", "out/result.json", "--dry-run").code == 0
    mails = {
        path.stem: message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (here / "out/mail").iterdir()
    }
    bodies = {name: mail.get_body(("plain",)) for name, mail in mails.items()}
    texts = {name: body.get_content() for name, body in bodies.items() if body is not None}
    assert "4 van 4 acties van 20 nov 2026 gedaan: 4 licentieplaatsen, € 114,60 per maand vrijgemaakt." in " ".join(
        texts["all@contoso.example"].split()
    )
    assert "3 of 3 actions of 20 Nov 2026 done" in texts["it@contoso.example"], "an owner reads of their own"


@pytest.mark.slow
def test_a_store_knows_the_last_plan(tmp_path: Path, saved: Path) -> None:
    made = ("--snapshot", str(saved), "--store", "st", "-q")
    assert call("plan", *made, "--as-of", AS_OF, cwd=tmp_path).code in {0, 3}
    for day, known in {"2026-11-20T12:00:00Z": False, "2026-11-20T12:00:01Z": True}.items():
        ran = call("audit", *made[:4], "--as-of", day, "-f", "json,terminal", cwd=tmp_path)
        assert ("actions of 20 Nov 2026 done" in ran.text) is known, ran.err
    (damaged,) = (tmp_path / "st" / "fabrikam" / "plans").iterdir()
    damaged.write_text("{")
    ran = call("audit", *made[:4], "--as-of", "2026-11-22T12:00:00Z", "-f", "terminal", cwd=tmp_path)
    assert ("warning[plan-damaged]" in ran.err, "actions of 20 Nov 2026 done" in ran.text) == (True, True)
    options = ("--keep", "1d", "--as-of", "2026-11-29T12:00:00Z", "--delete", "--tenant", "contoso")
    assert call("plan", *made, "--as-of", "2026-11-28T12:00:00Z", cwd=tmp_path).code in {0, 3}
    assert "1 plan deleted" in call("store", "prune", "st", *options, cwd=tmp_path).err
    assert [path.name for path in (tmp_path / "st/contoso/plans").iterdir()] == ["2026-11-28T120000Z.json"]


@pytest.mark.slow
def test_what_was_run_counts_and_a_part_is_no_whole(here: Path, emulator: Emulator, send: Send) -> None:
    carry_out(here, send, log="done.jsonl", most=1)
    code, tenant, _ = verified(here, emulator, "--done", "done.jsonl")
    assert (code, verdicts(tenant)) == (1, {"partly", "done"})
    lines = (here / "done.jsonl").read_text().splitlines(keepends=True)
    partly = next(action["number"] for action in tenant["actions"] if action["verdict"] == "partly")
    (here / "done.jsonl").write_text("".join(line for line in lines if json.loads(line)["action"] != partly))
    code, tenant, _ = verified(here, emulator, "--done", "done.jsonl")
    assert code == 0, "what was left out on purpose is not asked for"


@pytest.mark.slow
def test_a_finding_that_comes_back_is_no_new_one(here: Path, emulator: Emulator, send: Send) -> None:
    carry_out(here, send, log="done.jsonl")
    (ann,) = (each for each in planned(here) if each["subject"]["name"] == "Ann")
    sku = ann["product"]["skuId"]
    body = {"addLicenses": [{"skuId": sku, "disabledPlans": []}], "removeLicenses": []}
    request = {"method": "POST", "path": f"/users/{ann['subject']['id']}/assignLicense", "body": body}
    assert send(request).status_code == 200
    states = {}
    for log in ((), ("--done", "done.jsonl")):
        code, tenant, text = verified(here, emulator, *log)
        assert code == 1
        states[log] = next(f["state"] for f in tenant["findings"] if f["fingerprint"] == ann["fingerprint"])
    assert set(states.values()) == {"open", "came-back"}, "without a log nobody knows that it was gone"
    assert "1 finding came back" in " ".join(text.split())
    assert "undone" in {step["cause"] for action in tenant["actions"] for step in action["steps"]}


@pytest.mark.slow
def test_page_and_markdown_name_every_action_and_its_people(here: Path, emulator: Emulator) -> None:
    ran = run(here, emulator, "verify", "out/plan.json", "-f", "html", "-f", "markdown")
    assert ran.code == 1, ran.err
    titles = [
        action["title"] for action in json.loads((here / "out" / "plan.json").read_text())["tenants"][0]["actions"]
    ]
    names = [each["subject"]["name"] for each in planned(here)]
    assert names
    for suffix in ("html", "md"):
        text = html.unescape((here / "out" / f"verification.{suffix}").read_text(encoding="utf-8"))
        missing = [title for title in titles if title not in text]
        assert missing == []
        assert [name for name in names if name not in text] == []


def planned(here: Path) -> list[dict[str, Any]]:
    return list(json.loads((here / "out" / "plan.json").read_text())["tenants"][0]["findings"])


@pytest.mark.slow
def test_another_way_and_a_new_finding(here: Path, emulator: Emulator, send: Send) -> None:
    by_name = {each["subject"]["name"]: each["subject"]["id"] for each in planned(here)}
    for name in ("Ann", "Bob", "Eva", "Cem"):
        body: dict[str, Any] = {"accountEnabled": True}
        assert send({"method": "PATCH", "path": f"/users/{by_name[name]}", "body": body}).is_success
    body = {"usageLocation": "BE"}
    assert send({"method": "PATCH", "path": f"/users/{by_name['Kim']}", "body": body}).is_success
    code, tenant, _ = verified(here, emulator)
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "slug", "location"),
    [
        ("auditor/plan/v0", "plan-version", "plan.json has the schema 'auditor/plan/v0'"),
        ("auditor/result/v1", "plan-foreign", "plan.json is not a plan"),
        ("other", "plan-tenant", "99999999-2222-3333-4444-555555555555"),
        ("absent", "plan-tenant", "elsewhere"),
        ("request", "plan-damaged", ".requests[0]"),
        ("twice", "plan-damaged", "lists 'contoso' twice"),
        ("missing", "plan-damaged", "tenants[0]: 'tenantId' is missing"),
        ("redacted", "plan-redacted", "pseudonyms"),
    ],
)
def test_a_wrong_plan_is_refused(tmp_path: Path, demo_plan: str, change: str, slug: str, location: str) -> None:
    (tmp_path / "plan.json").write_text(damage(json.loads(demo_plan), change))
    ran = call("verify", "plan.json", "--demo", "--tenant", "contoso", cwd=tmp_path)
    assert (ran.code, f"error[{slug}]" in ran.err, location in ran.err) == (2, True, True), ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "location"),
    [
        ("{\n", "done.jsonl:1:2: error[log-damaged]: is not JSON text"),
        ("\n{}\n", "done.jsonl:2:1: error[log-damaged]: $: 'time' is missing"),
        (LINE % ("nobody", "x", 1), "done.jsonl:1:1: error[log-damaged]: the plan has no tenant 'nobody'"),
        (LINE % ("TENANT", "ACTION", 99), "done.jsonl:1:1: error[log-damaged]: action "),
        (LINE % ("TENANT", "x", 1), "done.jsonl:1:1: error[log-damaged]: no line is about an action of the plan"),
        (None, "error[log-unreadable]: done.jsonl cannot be read"),
    ],
)
def test_a_wrong_log_is_refused(tmp_path: Path, demo_plan: str, lines: str | None, location: str) -> None:
    tenant = json.loads(demo_plan)["tenants"][0]
    action = next(action["id"] for action in tenant["actions"] if action["requests"])
    (tmp_path / "plan.json").write_text(demo_plan)
    if lines is not None:
        text = lines.replace("TENANT", tenant["tenantId"]).replace("ACTION", action)
        (tmp_path / "done.jsonl").write_text(text)
    ran = call("verify", "plan.json", "--demo", "--done", "done.jsonl", cwd=tmp_path)
    assert (ran.code, location in ran.err) == (2, True), ran.err


@pytest.fixture(scope="module")
def demo_plan(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("demo")
    call("plan", "--demo", "--as-of", AS_OF, "-q", cwd=folder)
    return (folder / "out" / "plan.json").read_text()


def test_what_was_not_read_is_unknown(tmp_path: Path) -> None:
    """People who are not there may be gone or unread; a source that was refused proves nothing."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    people = [user(name, grant(E3), accountEnabled=False) for name in ("ann", "bob")]
    write(tmp_path / "before", snapshot(people, {E3: 5}))
    partly = snapshot(people[:1], {E3: 5}, statuses={Source.USERS: SourceStatus.PARTIAL})
    write(tmp_path / "after", partly)
    call("plan", "--snapshot", "before", "policy.yaml", "-q", "--as-of", AS_OF, cwd=tmp_path)
    ran = call("verify", "out/plan.json", "--snapshot", "after", "policy.yaml", "--as-of", AS_OF, cwd=tmp_path)
    (tenant,) = json.loads((tmp_path / "out" / "verification.json").read_text())["tenants"]
    (action,) = (each for each in tenant["actions"] if each["requests"])
    assert (ran.code, action["verdict"], action["cause"], action["detail"]) == (3, "unknown", "source", "users")
    assert (tenant["freed"]["actual"], tenant["freed"]["atLeast"]) == (0, True)
    assert {each["state"] for each in tenant["findings"]} == {"open", "unknown"}


@pytest.mark.parametrize(("waits", "verdict"), [(VISIO, "done"), (F3, "not")])
def test_a_retry_is_done_once_its_own_product_has_arrived(tmp_path: Path, waits: str, verdict: str) -> None:
    """The request names no product: what else the person waits for does not count."""
    (tmp_path / "policy.yaml").write_text(
        "version: 1\npolicies: [{id: errors, severity: low, health: {errors: deny}}]\n"
    )
    errors = {F3: "CountViolation", VISIO: "MutuallyExclusiveViolation"}
    for night, waiting in (("before", {F3, VISIO}), ("after", {waits})):
        paths = [grant(sku, "g1", error=error if sku in waiting else None) for sku, error in errors.items()]
        ann = user("ann", grant(E3), *paths)
        of = snapshot([ann], {E3: 1, F3: 1, VISIO: 1}, groups=[group("Office", F3, VISIO)])
        write(tmp_path / night, of)
    call("plan", "--snapshot", "before", "policy.yaml", "-q", "--as-of", AS_OF, cwd=tmp_path)
    ((own,),) = [tenant["expected"] for tenant in json.loads((tmp_path / "out" / "plan.json").read_text())["tenants"]]
    assert (own["fact"], own["key"], own["before"], own["after"]) == ("seatError", F3, True, False)
    call("verify", "out/plan.json", "--snapshot", "after", "policy.yaml", "--as-of", AS_OF, cwd=tmp_path)
    (tenant,) = json.loads((tmp_path / "out" / "verification.json").read_text())["tenants"]
    assert [each["verdict"] for each in tenant["actions"] if each["requests"]] == [verdict]
