"""`auditor store put STORE done.jsonl`: a night says who carried a plan out."""

import json
from pathlib import Path

import pytest

from tests.builders.service.planned_tenant import Send, carry_out, run
from tests.emulator.server import Emulator

LINE = '{"time": "2026-11-21T10:00:00Z", "by": "a@b.example", "tenant": "nobody", "action": 1, "fingerprint": "x", "step": 1, "outcome": "done"}\n'


def store_with_plans(here: Path, emulator: Emulator) -> None:
    for day in ("20", "21"):
        made = ("--snapshot", "before", "--as-of", f"2026-11-{day}T12:00:00Z", "--store", "st", "-q")
        assert run(here, emulator, "plan", *made).code == 0


def next_night(here: Path, emulator: Emulator, *options: str) -> str:
    shown = ("-f", "terminal", "--fail-on", "never", "--no-color")
    ran = run(here, emulator, "audit", "--snapshot", "after", "--as-of", "2026-11-23T02:00:00Z", *shown, *options)
    assert ran.code == 0, ran.err
    return " ".join((ran.text + ran.err).split())


@pytest.mark.slow
@pytest.mark.parametrize(("plan", "day"), [(None, "20"), ("2026-11-21T12:00:00Z", "21")])
def test_a_night_finds_the_log_that_a_store_has(
    here: Path, emulator: Emulator, send: Send, plan: str | None, day: str
) -> None:
    store_with_plans(here, emulator)
    carry_out(here, send, log="done.jsonl")
    lines = [json.loads(line) | {"plan": plan} for line in (here / "done.jsonl").read_text().splitlines()]
    (here / "done.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(here, emulator, "collect", "-o", "after").code == 0
    headline = f"4 of 4 actions of {day} Nov 2026 done: 4 seats, €114.60 a month freed."
    assert "Carried out by" not in next_night(here, emulator, "--history", "st")
    for done in ("done.jsonl", "logs"):
        (here / "logs").mkdir(exist_ok=True)
        (here / "logs" / "friday.jsonl").write_bytes((here / "done.jsonl").read_bytes())
        text = next_night(here, emulator, "--history", "st", "--done", done)
        assert (headline in text, "Carried out by admin@contoso.example: 21 Nov 2026." in text) == (True, True), text
    for count in ("5 changes", "0 changes"):
        assert f"contoso: {count} recorded" in run(here, emulator, "store", "put", "st", "done.jsonl").err
    text = next_night(here, emulator, "--history", "st")
    assert (headline in text, "Carried out by admin@contoso.example: 21 Nov 2026." in text) == (True, True), text


@pytest.mark.slow
def test_a_named_plan_finds_the_log_that_a_store_has(here: Path, emulator: Emulator, send: Send) -> None:
    store_with_plans(here, emulator)
    named = ("--plan", "out/plan.json", "--history", "st")
    carry_out(here, send, log="done.jsonl")
    assert run(here, emulator, "collect", "-o", "after").code == 0
    assert "Carried out by" not in next_night(here, emulator, *named)
    assert run(here, emulator, "store", "put", "st", "done.jsonl").code == 0
    text = next_night(here, emulator, *named)
    assert "Carried out by admin@contoso.example: 21 Nov 2026." in text, text
    (log,) = (here / "st/contoso/changes").iterdir()
    log.write_bytes(log.read_bytes().replace(b"admin@", b"other@"))
    text = next_night(here, emulator, *named)
    assert ("warning[store-damaged]" in text, "Carried out by" in text) == (True, False)
    (here / "logs").mkdir()
    (here / "done.jsonl").rename(here / "logs/friday.jsonl")
    text = next_night(here, emulator, "--plan", "out/plan.json", "--done", "logs")
    assert "Carried out by admin@contoso.example: 21 Nov 2026." in text, text


@pytest.mark.slow
def test_what_was_done_before_a_plan_was_made_is_not_done_for_it(here: Path, emulator: Emulator, send: Send) -> None:
    store_with_plans(here, emulator)
    carry_out(here, send, log="done.jsonl")
    lines = [json.loads(line) for line in (here / "done.jsonl").read_text().splitlines()]
    early = [line | {"time": "2026-11-14T10:00:00Z", "plan": "2026-11-13T12:00:00Z"} for line in lines]
    (here / "done.jsonl").write_text("".join(json.dumps(line) + "\n" for line in early))
    assert run(here, emulator, "store", "put", "st", "done.jsonl").code == 0
    assert run(here, emulator, "collect", "-o", "after").code == 0
    for named in ((), ("--plan", "out/plan.json")):
        text = next_night(here, emulator, "--history", "st", *named)
        assert ("4 of 4 actions" in text, "Carried out by" in text) == (True, False), text


@pytest.mark.slow
def test_logs_in_a_store_are_checked_and_pruned(here: Path, emulator: Emulator, send: Send) -> None:
    store_with_plans(here, emulator)
    carry_out(here, send, log="done.jsonl")
    assert run(here, emulator, "collect", "-o", "after").code == 0
    assert run(here, emulator, "store", "put", "st", "after", "done.jsonl").code == 0
    assert "1 of 1 log of changes is complete" in run(here, emulator, "store", "check", "st").err
    (log,) = (here / "st/contoso/changes").iterdir()
    body = log.read_bytes()
    log.write_bytes(body.replace(b"admin@", b"other@"))
    checked = run(here, emulator, "store", "check", "st", "--json")
    assert (checked.code, "does not match the digest in its name" in checked.err) == (3, True)
    assert next(each for each in json.loads(checked.out) if "changeLog" in each)["wrong"]
    text = next_night(here, emulator, "--history", "st")
    assert ("warning[store-damaged]" in text, "Carried out by" in text) == (True, False)
    log.write_bytes(body)
    pruned = ("store", "prune", "st", "--keep", "1d", "--as-of", "2027-11-29T12:00:00Z")
    assert "1 log of changes would be deleted" in run(here, emulator, *pruned).err
    assert "1 log of changes deleted" in run(here, emulator, *pruned, "--delete").err
    assert not list((here / "st/contoso/changes").iterdir())


@pytest.mark.slow
def test_a_log_of_a_tenant_without_a_plan_is_not_recorded(here: Path, emulator: Emulator) -> None:
    store_with_plans(here, emulator)
    (here / "done.jsonl").write_text(LINE)
    ran = run(here, emulator, "store", "put", "st", "done.jsonl")
    assert (ran.code, "error[log-foreign]" in ran.err, "'nobody'" in ran.err) == (2, True, True), ran.err
    assert not (here / "st/contoso/changes").exists()
