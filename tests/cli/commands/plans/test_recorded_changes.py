"""`auditor store put STORE done.jsonl`: later audits report who carried out a plan."""

import json
from pathlib import Path

import pytest

from tests.builders.service.planned_tenant import Send, carry_out, run
from tests.emulator.server import Emulator

pytestmark = pytest.mark.slow
LINE = '{"time": "2026-11-21T10:00:00Z", "by": "a@b.example", "tenant": "nobody", "action": 1, "fingerprint": "x", "step": 1, "outcome": "done"}\n'


def store_with_plans(workspace: Path, emulator: Emulator) -> None:
    for day in ("20", "21"):
        options = ("--snapshot", "before", "--as-of", f"2026-11-{day}T12:00:00Z", "--store", "st", "-q")
        assert run(workspace, emulator, "plan", *options).code == 0


def next_audit(workspace: Path, emulator: Emulator, *options: str) -> str:
    formats = ("-f", "terminal", "--fail-on", "never", "--no-color")
    completed = run(
        workspace, emulator, "audit", "--snapshot", "after", "--as-of", "2026-11-23T02:00:00Z", *formats, *options
    )
    assert completed.code == 0, completed.err
    return " ".join((completed.text + completed.err).split())


@pytest.mark.parametrize(("plan", "day"), [(None, "20"), ("2026-11-21T12:00:00Z", "21")])
def test_audit_finds_the_change_log_in_the_store(
    workspace: Path, emulator: Emulator, send: Send, plan: str | None, day: str
) -> None:
    store_with_plans(workspace, emulator)
    carry_out(workspace, send, log="done.jsonl")
    lines = [json.loads(line) | {"plan": plan} for line in (workspace / "done.jsonl").read_text().splitlines()]
    (workspace / "done.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(workspace, emulator, "collect", "-o", "after").code == 0
    headline = f"3 of 3 actions planned on {day} Nov 2026 done: 4 seats freed and not assigned again (€114.60 a month)."
    assert "Carried out by" not in next_audit(workspace, emulator, "--history", "st")
    for log in ("done.jsonl", "logs"):
        (workspace / "logs").mkdir(exist_ok=True)
        (workspace / "logs" / "friday.jsonl").write_bytes((workspace / "done.jsonl").read_bytes())
        text = next_audit(workspace, emulator, "--history", "st", "--done", log)
        assert (headline in text, "Carried out by admin@contoso.example: 21 Nov 2026." in text) == (True, True), text
    for count in ("5 changes", "0 changes"):
        assert f"contoso: {count} recorded" in run(workspace, emulator, "store", "put", "st", "done.jsonl").err
    text = next_audit(workspace, emulator, "--history", "st")
    assert (headline in text, "Carried out by admin@contoso.example: 21 Nov 2026." in text) == (True, True), text


def test_audit_with_a_given_plan_finds_the_change_log_in_the_store(
    workspace: Path, emulator: Emulator, send: Send
) -> None:
    store_with_plans(workspace, emulator)
    options = ("--plan", "out/plan.json", "--history", "st")
    carry_out(workspace, send, log="done.jsonl")
    assert run(workspace, emulator, "collect", "-o", "after").code == 0
    assert "Carried out by" not in next_audit(workspace, emulator, *options)
    assert run(workspace, emulator, "store", "put", "st", "done.jsonl").code == 0
    text = next_audit(workspace, emulator, *options)
    assert "Carried out by admin@contoso.example: 21 Nov 2026." in text, text
    (log,) = (workspace / "st/contoso/changes").iterdir()
    log.write_bytes(log.read_bytes().replace(b"admin@", b"other@"))
    text = next_audit(workspace, emulator, *options)
    assert ("warning[store-damaged]" in text, "Carried out by" in text) == (True, False)
    (workspace / "logs").mkdir()
    (workspace / "done.jsonl").rename(workspace / "logs/friday.jsonl")
    text = next_audit(workspace, emulator, "--plan", "out/plan.json", "--done", "logs")
    assert "Carried out by admin@contoso.example: 21 Nov 2026." in text, text


def test_changes_made_before_a_plan_are_not_attributed_to_it(workspace: Path, emulator: Emulator, send: Send) -> None:
    store_with_plans(workspace, emulator)
    carry_out(workspace, send, log="done.jsonl")
    lines = [json.loads(line) for line in (workspace / "done.jsonl").read_text().splitlines()]
    early = [line | {"time": "2026-11-14T10:00:00Z", "plan": "2026-11-13T12:00:00Z"} for line in lines]
    (workspace / "done.jsonl").write_text("".join(json.dumps(line) + "\n" for line in early))
    assert run(workspace, emulator, "store", "put", "st", "done.jsonl").code == 0
    assert run(workspace, emulator, "collect", "-o", "after").code == 0
    for options in ((), ("--plan", "out/plan.json")):
        text = next_audit(workspace, emulator, "--history", "st", *options)
        assert ("3 of 3 actions" in text, "Carried out by" in text) == (True, False), text


def test_change_logs_in_a_store_are_checked_and_pruned(workspace: Path, emulator: Emulator, send: Send) -> None:
    store_with_plans(workspace, emulator)
    carry_out(workspace, send, log="done.jsonl")
    assert run(workspace, emulator, "collect", "-o", "after").code == 0
    (workspace / "damaged.jsonl").write_text("{")
    put = run(workspace, emulator, "store", "put", "st", "damaged.jsonl", "after", "done.jsonl")
    assert (put.code, "damaged.jsonl:1" in put.err, put.err.count("error")) == (3, True, 1), put.err
    assert "1 of 1 log of changes is undamaged" in run(workspace, emulator, "store", "check", "st").err
    (log,) = (workspace / "st/contoso/changes").iterdir()
    body = log.read_bytes()
    log.write_bytes(body.replace(b"admin@", b"other@"))
    check = run(workspace, emulator, "store", "check", "st", "--json")
    assert (check.code, "does not match the digest in its name" in check.err) == (3, True)
    assert next(entry for entry in json.loads(check.out) if "changeLog" in entry)["wrong"]
    text = next_audit(workspace, emulator, "--history", "st")
    assert ("warning[store-damaged]" in text, "Carried out by" in text) == (True, False)
    log.write_bytes(body)
    prune = ("store", "prune", "st", "--keep", "1d", "--as-of", "2099-11-29T12:00:00Z")
    assert "1 log of changes would be deleted" in run(workspace, emulator, *prune).err
    assert "1 log of changes deleted" in run(workspace, emulator, *prune, "--delete").err
    assert not list((workspace / "st/contoso/changes").iterdir())


def test_change_log_of_a_tenant_without_a_plan_is_an_error(workspace: Path, emulator: Emulator) -> None:
    store_with_plans(workspace, emulator)
    (workspace / "done.jsonl").write_text(LINE)
    completed = run(workspace, emulator, "store", "put", "st", "done.jsonl")
    assert (completed.code, "error[log-foreign]" in completed.err, "'nobody'" in completed.err) == (2, True, True), (
        completed.err
    )
    assert not (workspace / "st/contoso/changes").exists()


def test_changes_are_recorded_although_the_plan_of_another_tenant_is_damaged(
    workspace: Path, emulator: Emulator, send: Send
) -> None:
    store_with_plans(workspace, emulator)
    carry_out(workspace, send, log="done.jsonl")
    damaged = workspace / "st/adatum/plans/2026-11-20T120000Z.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("{")
    assert run(workspace, emulator, "store", "put", "st", "done.jsonl").code == 0
    (workspace / "done.jsonl").write_text(LINE)
    completed = run(workspace, emulator, "store", "put", "st", "done.jsonl")
    assert (completed.code, "error[plan-damaged]: st/adatum/plans/" in completed.err) == (2, True), completed.err
