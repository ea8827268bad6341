"""Whatever is raised inside one of three tenants, at any stage, stays with it: the others are audited, and it is told.

Hostile credentials, answers and snapshots raise what they can by themselves. Where no real component raises an
exception of a kind, a public function of the stage is replaced by one that raises it for one tenant.
"""

import asyncio
import functools
import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from auditor.demo.tenants import snapshots
from auditor.domain.result import Result
from auditor.failures import TaskEndedError, Wall, in_task
from auditor.render import render as renderer
from auditor.render.artifact import Artifact
from auditor.snapshot.writing import write
from tests.cli.harness import AS_OF, Ran, call
from tests.emulator.fixtures import CLIENT_ID, SECRET, running_emulator, small_tenant
from tests.emulator.server import Emulator
from tests.engine.tenants import NOW

NAMES: Final = ("contoso", "fabrikam", "woodgrove")
FAILING: Final = "fabrikam"
POLICY = """\
version: 1
policies:
- {id: leavers, severity: medium, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
- {id: spare, severity: low, seats: {of: paid, spare: {min: 1}}}
- {id: stores, severity: low, users: {memberOf: Stores}, assignments: {require: [SPE_F1]}}
- {id: idle, severity: low, users: {inactiveFor: 90d}, assignments: {of: paid, allow: []}}
"""
SENTENCE = "a-secret-that-an-exception-quotes"


KINDS: dict[str, Callable[[], BaseException]] = {
    "Exception": lambda: Exception(SENTENCE),
    "ExceptionGroup": lambda: ExceptionGroup(SENTENCE, [ValueError(SENTENCE)]),
    "OSError": lambda: OSError(5, "Input/output error", SENTENCE),
    "UnicodeError": lambda: UnicodeEncodeError("ascii", SENTENCE, 0, 1, SENTENCE),
    "MemoryError": MemoryError,
    "SystemExit": lambda: SystemExit(0),
}


def made(kind: str) -> BaseException:
    """An exception of a kind, new each time: what was raised once carries its traceback."""
    return KINDS[kind]()


kinds = pytest.mark.parametrize("kind", KINDS)


def names_in(*values: object) -> bool:
    """Whether an argument is about the failing tenant."""
    return any(FAILING in str(value)[:100_000] if isinstance(value, Path | str) else _bears(value) for value in values)


def _bears(value: object) -> bool:
    for path in (
        "name", "tenant", "manifest.tenant", "facts.manifest.tenant", "tenant.name", "graph.tenant.name",
        "plan.facts.manifest.tenant", "_tenant.name", "told.plan.facts.manifest.tenant",
    ):  # fmt: skip
        found: Any = value
        for part in path.split("."):
            found = getattr(found, part, None)
        if found == FAILING:
            return True
    return False


def failing(monkeypatch: pytest.MonkeyPatch, place: str, kind: str) -> None:
    """Let a public function of a module, or a method of a class, raise for the failing tenant."""
    owner, _, name = place.rpartition(".")
    module, _, held = owner.partition(":")
    where: Any = __import__(module, fromlist=["x"])
    where = functools.reduce(getattr, held.split("."), where) if held else where
    real = getattr(where, name)
    if inspect.iscoroutinefunction(real):

        async def awaited(*args: Any, **more: Any) -> Any:
            if names_in(*args):
                raise made(kind)
            return await real(*args, **more)

        monkeypatch.setattr(where, name, awaited)
        return

    def called(*args: Any, **more: Any) -> Any:
        if names_in(*args):
            raise made(kind)
        return real(*args, **more)

    monkeypatch.setattr(where, name, called)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tenants, saved as a collection would."""
    root = tmp_path_factory.mktemp("three") / "snapshots"
    first, second = snapshots(NOW)
    write(root, first)
    write(root, second)
    third = _renamed(first, "woodgrove", "99999999-2222-3333-4444-555555555555")
    write(root, third)
    return root


def _renamed(snapshot: Any, name: str, tenant_id: str) -> Any:
    from dataclasses import replace  # noqa: PLC0415

    return replace(snapshot, manifest=replace(snapshot.manifest, tenant=name, tenant_id=tenant_id))


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(POLICY)
    return tmp_path


def assert_contained(ran: Ran, folder: Path, kind: str) -> None:
    """The failing tenant is told as such, the others as ever, and nothing is quoted."""
    assert ran.code == 3, ran.err
    document = json.loads((folder / "out" / "result.json").read_text())
    by_name = {tenant["name"]: tenant for tenant in document["tenants"]}
    assert set(by_name) == set(NAMES)
    assert not by_name[FAILING]["complete"]
    assert by_name[FAILING]["findings"] == []
    assert {outcome["status"] for outcome in by_name[FAILING]["policies"]} <= {"not-evaluated"}
    (reason,) = {source["reason"] for source in by_name[FAILING]["sources"]}
    assert "\n" not in reason
    if kind not in {"OSError", "MemoryError"}:
        assert "bug" in reason
    for name in set(NAMES) - {FAILING}:
        assert any(outcome["status"] in {"pass", "fail"} for outcome in by_name[name]["policies"]), by_name[name]
    assert SENTENCE not in ran.err + ran.text + json.dumps(document)


AUDITED = {
    "read": "auditor.app.running.read",
    "bind": "auditor.app.streaming.bind",
    "evaluate": "auditor.app.auditing.evaluate",
    "describe": "auditor.app.auditing.describe",
    "fleet names": "auditor.engine.notices:FleetNames.take",
    "guidance": "auditor.app.remedying.circumstances",
    "actions": "auditor.app.remedying.actions_of",
    "packing": "auditor.app.flowing.packed",
}


@kinds
@pytest.mark.parametrize("stage", AUDITED)
def test_an_audit_of_snapshots(here: Path, saved: Path, monkeypatch: pytest.MonkeyPatch, stage: str, kind: str) -> None:
    failing(monkeypatch, AUDITED[stage], kind)
    ran = call("audit", "--snapshot", saved, "--as-of", AS_OF, "-f", "json", "-f", "terminal", cwd=here)
    assert_contained(ran, here, kind)


@kinds
@pytest.mark.parametrize("form", ["json", "html", "xlsx"])
def test_a_report(here: Path, saved: Path, monkeypatch: pytest.MonkeyPatch, form: str, kind: str) -> None:
    """A finding that a format cannot tell: its tenant is told as not audited, in every file of the run."""
    from auditor.app import report_containment, reporting  # noqa: PLC0415

    real = renderer

    def render(result: Result, name: str, **more: Any) -> Artifact:
        if name == form and any(tenant.name == FAILING and tenant.failure is None for tenant in result.tenants):
            raise made(kind)
        return real(result, name, **more)

    monkeypatch.setattr(reporting, "render", render)
    monkeypatch.setattr(report_containment, "render", render)
    ran = call("audit", "--snapshot", saved, "--as-of", AS_OF, "-f", "json", "-f", "html", "-f", "xlsx", cwd=here)
    assert_contained(ran, here, kind)
    assert {path.name for path in (here / "out").iterdir()} == {"result.json", "report.html", "report.xlsx", "tenants"}


@kinds
def test_a_comparison(here: Path, saved: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    asked = ("audit", "--snapshot", saved, "--as-of", AS_OF, "-f", "json")
    call(*asked, "-o", "before", cwd=here)
    failing(monkeypatch, "auditor.app.running.rewritten", kind)
    assert_contained(call(*asked, "--compare", "before/result.json", cwd=here), here, kind)


@kinds
@pytest.mark.parametrize("stage", ["evaluate", "bind"])
def test_an_audit_row_by_row(here: Path, saved: Path, monkeypatch: pytest.MonkeyPatch, stage: str, kind: str) -> None:
    place = {"evaluate": "auditor.app.streaming.spilled", "bind": "auditor.app.streaming.bind"}[stage]
    failing(monkeypatch, place, kind)
    ran = call("audit", "--snapshot", saved, "--as-of", AS_OF, "--findings", "f.parquet", cwd=here)
    assert ran.code == 3, ran.err
    assert (here / "f.parquet").exists()


@kinds
@pytest.mark.parametrize("place", ["options_of", "draft", "resulting", "listed", "figures"])
def test_a_plan(here: Path, saved: Path, monkeypatch: pytest.MonkeyPatch, place: str, kind: str) -> None:
    failing(monkeypatch, f"auditor.app.planning.{place}", kind)
    ran = call("plan", "--snapshot", saved, "--as-of", AS_OF, "-f", "json", cwd=here)
    assert ran.code == 3, ran.err
    plans = {plan["name"]: plan for plan in json.loads((here / "out" / "plan.json").read_text())["tenants"]}
    assert set(plans) == set(NAMES)
    assert plans[FAILING]["actions"] == []
    assert plans["contoso"]["actions"]
    assert SENTENCE not in ran.err + ran.text


@kinds
@pytest.mark.parametrize("place", ["auditor.store.keeping:Store.put", "auditor.app.storing.sums"])
def test_a_store(here: Path, saved: Path, monkeypatch: pytest.MonkeyPatch, place: str, kind: str) -> None:
    """Snapshots and results of the others are kept, by `store put` and by `audit --store`."""
    call("audit", "--snapshot", saved, "--as-of", AS_OF, "-f", "json", cwd=here)
    if "sums" in place:
        failing_sums(monkeypatch, kind)
    else:
        failing(monkeypatch, place, kind)
    for asked in (
        ("store", "put", "nights", saved, "out/result.json"),
        ("audit", "--snapshot", saved, "--as-of", AS_OF, "-f", "json", "--store", "again"),
    ):
        ran = call(*asked, cwd=here)
        assert ran.code == 3, ran.err
        assert SENTENCE not in ran.err + ran.text
        assert FAILING in ran.err
        assert "woodgrove" in ran.err


def failing_sums(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """What a result comes to: the ledger of one tenant cannot be written."""
    from auditor.history.ledger import Ledger  # noqa: PLC0415

    real = Ledger.put

    def put(self: Ledger, result: Any, tenant: Any, *more: Any) -> int:
        if tenant.name == FAILING:
            raise made(kind)
        return real(self, result, tenant, *more)

    monkeypatch.setattr(Ledger, "put", put)


@kinds
def test_a_night_that_cannot_be_put_together_again(
    here: Path, saved: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    assert call("store", "put", "nights", saved, cwd=here).code == 0
    failing(monkeypatch, "auditor.store.keeping:Store.restore", kind)
    assert_contained(call("audit", "--snapshot", "nights", "--as-of", AS_OF, "-f", "json", cwd=here), here, kind)


def test_a_damaged_snapshot_of_three(here: Path, saved: Path) -> None:
    """By itself, without anything replaced: bytes of a file are not those that its manifest promises."""
    import shutil  # noqa: PLC0415

    shutil.copytree(saved, here / "snapshots")
    (users,) = (here / "snapshots" / FAILING).glob("*/users.parquet")
    users.write_bytes(users.read_bytes()[:-9])
    ran = call("audit", "--snapshot", "snapshots", "--as-of", AS_OF, "-f", "json", "-f", "terminal", cwd=here)
    assert_contained(ran, here, "OSError")
    alone = call("audit", "--snapshot", users.parent, "--as-of", AS_OF, "-f", "json", cwd=here)
    assert alone.code == 2, "with one tenant there are no others"


# Live tenants


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running_emulator([small_tenant(name) for name in NAMES]) as running:
        yield running


def live(folder: Path, emulator: Emulator, credential: str = "") -> dict[str, str]:
    """A tenants file of three emulated tenants, of which the failing one has another credential; its environment."""
    default = f"{{type: client-secret, clientId: {CLIENT_ID}, secretEnv: SOME_SECRET}}"
    entries = [
        f"- {{name: {name}, tenantId: {emulator.tenants[name].tenant_id}, endpoint: '{emulator.endpoint}',"
        f" authority: '{emulator.authority}', credential: {credential if credential and name == FAILING else default}}}"
        for name in NAMES
    ]
    (folder / "tenants.yaml").write_text("version: 1\ntenants:\n" + "\n".join(entries) + "\n")
    return {**emulator.environment(), "SOME_SECRET": SECRET}


LIVE = {
    "construction": "auditor.collect.gathering.SignIn",
    "sign-in": "auditor.graph.credentials:SignIn.get_token",
    "organization": "auditor.collect.aggregates.organization",
    "products": "auditor.collect.aggregates.products",
    "subscriptions": "auditor.collect.aggregates.subscriptions",
    "groups": "auditor.collect.gathering.groups",
    "users": "auditor.collect.gathering.read_users",
    "sign-ins": "auditor.collect.gathering.read_sign_ins",
    "mailboxes": "auditor.collect.gathering.read_mailboxes",
    "writing": "auditor.collect.gathering.SnapshotWriter",
    "opening": "auditor.collect.gathering.open_graph",
}


@kinds
@pytest.mark.parametrize("stage", LIVE)
def test_a_collection(here: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, stage: str, kind: str) -> None:
    environment = live(here, emulator)
    failing(monkeypatch, LIVE[stage], kind)
    ran = call("collect", "--all", "--no-progress", cwd=here, **environment)
    assert ran.code == 3, ran.err
    assert {path.parent.name for path in (here / "snapshots").glob("*/*")} == set(NAMES) - {FAILING}
    assert FAILING in ran.err
    assert SENTENCE not in ran.err


@kinds
@pytest.mark.parametrize("stage", ["construction", "users", "writing"])
def test_a_live_audit(here: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, stage: str, kind: str) -> None:
    environment = live(here, emulator)
    failing(monkeypatch, LIVE[stage], kind)
    assert_contained(call("audit", "-f", "json", "-f", "terminal", cwd=here, **environment), here, kind)


@kinds
@pytest.mark.parametrize("stage", ["SignIn", "open_graph", "diagnose"])
def test_a_diagnosis(here: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, stage: str, kind: str) -> None:
    environment = live(here, emulator)
    failing(monkeypatch, f"auditor.app.diagnosis.{stage}", kind)
    ran = call("doctor", cwd=here, **environment)
    assert ran.code == 3, ran.err
    for name in NAMES:
        assert f"{name} (" in ran.text
    assert ran.text.count("BAD") == 1
    assert SENTENCE not in ran.err + ran.text


BROKEN = {
    "a line break": "abc\ndef-secret-value",
    "a carriage return": "abc\rdef-secret-value",
    "a letter outside ASCII": "abcé-secret-value",
    "a byte that is no text": "abc\udce9-secret-value",
    "a blank": "abc def-secret-value",
    "a null": "abc\x01def-secret-value",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_token_that_no_request_can_carry_stays_with_its_tenant(here: Path, emulator: Emulator, broken: str) -> None:
    """One of twenty tenants has it; the nineteen others are collected."""
    others = [small_tenant(f"tenant-{number:02}") for number in range(17)]
    for tenant in others:
        tenant.register(next(iter(emulator.tenants["contoso"].apps.values())))
        emulator.add(tenant)
    environment = live(here, emulator, "{type: token, tokenEnv: BROKEN_TOKEN}")
    with (here / "tenants.yaml").open("a") as file:
        for tenant in others:
            file.write(
                f"- {{name: {tenant.name}, tenantId: {tenant.tenant_id}, endpoint: '{emulator.endpoint}',"
                f" authority: '{emulator.authority}',"
                f" credential: {{type: client-secret, clientId: {CLIENT_ID}, secretEnv: SOME_SECRET}}}}\n"
            )
    ran = call("collect", "--no-progress", cwd=here, **environment, BROKEN_TOKEN=BROKEN[broken])
    assert ran.code == 3, ran.err
    assert len(list((here / "snapshots").glob("*/*"))) == 19
    assert "token-invalid" in ran.err
    assert "secret-value" not in ran.err + ran.text


def test_with_v_the_traceback_is_shown_without_secrets(
    here: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditor.collect import gathering, users  # noqa: PLC0415

    real = users.read_users

    async def read_users(reading: Any, *more: Any) -> Any:
        if reading.tenant == FAILING:
            raise ValueError(f"quotes {SECRET} and \x1b[2J")
        return await real(reading, *more)

    monkeypatch.setattr(gathering, "read_users", read_users)
    environment = live(here, emulator)
    quiet = call("collect", "--no-progress", cwd=here, **environment)
    assert "Traceback" not in quiet.err
    assert "-v" in quiet.err
    told = call("collect", "--no-progress", "-v", cwd=here, **environment)
    assert "Traceback" in told.err
    assert "ValueError: quotes [secret] and \\x1b[2J" in told.err
    assert SECRET not in told.err


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
def test_whoever_stops_the_program_stops_it(error: type[BaseException]) -> None:
    with pytest.raises(error), Wall("contoso"):
        raise error
    with pytest.raises(BaseExceptionGroup), Wall("contoso"):
        raise BaseExceptionGroup("several", [error(), ValueError()])


def test_a_library_that_panics_is_contained() -> None:
    class PanicError(BaseException):
        """As extensions in Rust raise it."""

    with Wall("contoso") as wall:
        raise PanicError
    assert wall.failure is not None
    assert wall.failure.slug == "tenant-bug"


def test_a_task_does_not_end_its_event_loop() -> None:
    async def ending() -> None:
        raise SystemExit(1)

    async def both() -> list[BaseException | None]:
        return list(await asyncio.gather(in_task(ending), in_task(asyncio.sleep, 0), return_exceptions=True))

    first, second = asyncio.run(both())
    assert isinstance(first, TaskEndedError)
    assert second is None


def test_a_bug_with_the_only_tenant_is_a_bug_of_the_run(
    here: Path, saved: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = live(here, emulator)
    failing(monkeypatch, AUDITED["evaluate"], "Exception")
    failing(monkeypatch, LIVE["users"], "Exception")
    failing(monkeypatch, "auditor.app.diagnosis.diagnose", "Exception")
    for asked in (
        ("audit", "--snapshot", saved, "--tenant", FAILING, "--as-of", AS_OF),
        ("collect", "--tenant", FAILING),
        ("doctor", "--tenant", FAILING),
    ):
        assert call(*asked, cwd=here, **environment).code == 70
