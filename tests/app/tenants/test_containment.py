"""Whatever is raised inside a live tenant, at any stage, stays with it: sign-in, each source, writing."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from auditor.failures import TaskEndedError, TenantBoundary, in_task
from tests.builders.service.command_line import call
from tests.builders.service.failures import (
    BREAKING,
    FAILING,
    NAMES,
    POLICY,
    SENTENCE,
    THREE,
    assert_contained,
    failing,
)
from tests.emulator.fixtures import CLIENT_ID, SECRET, running_emulator, small_tenant
from tests.emulator.server import Emulator


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A working folder whose policies need every source that a stage reads, and no other."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(
        POLICY + "- {id: shared, severity: low, users: {mailboxType: shared}, assignments: {of: paid, allow: []}}\n"
        "- {id: trials, severity: low, purchases: {trials: deny}}\n"
    )
    return tmp_path


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running_emulator([small_tenant(name) for name in NAMES]) as running:
        yield running


def live(folder: Path, emulator: Emulator, credential: str = "", names: Sequence[str] = THREE) -> dict[str, str]:
    """A tenants file of emulated tenants, of which the failing one has another credential; its environment."""
    default = f"{{type: client-secret, clientId: {CLIENT_ID}, secretEnv: SOME_SECRET}}"
    entries = [
        f"- {{name: {name}, tenantId: {emulator.tenants[name].tenant_id}, endpoint: '{emulator.endpoint}',"
        f" authority: '{emulator.authority}', credential: {credential if credential and name == FAILING else default}}}"
        for name in names
    ]
    (folder / "tenants.yaml").write_text("version: 1\ntenants:\n" + "\n".join(entries) + "\n")
    return {**emulator.environment(), "SOME_SECRET": SECRET}


LIVE = {
    "construction": "auditor.collect.collector.SignIn",
    "sign-in": "auditor.graph.auth.credentials:SignIn.get_token",
    "organization": "auditor.graph.requests.organization",
    "products": "auditor.graph.requests.subscribed_skus",
    "subscriptions": "auditor.graph.requests.subscriptions",
    "groups": "auditor.collect.sources.groups.Members",
    "users": "auditor.collect.sources.users.pages",
    "sign-ins": "auditor.collect.sources.sign_ins.pages",
    "mailboxes": "auditor.collect.sources.mailboxes.answers",
    "writing": "auditor.collect.collector.SnapshotWriter",
    "opening": "auditor.collect.collector.open_graph",
}


@pytest.mark.slow
@pytest.mark.parametrize("stage", LIVE)
def test_a_collection(here: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    environment = live(here, emulator, names=NAMES)
    failing(monkeypatch, LIVE[stage])
    ran = call("collect", "--no-progress", cwd=here, **environment)
    assert ran.code == 3, ran.err
    assert {path.parent.name for path in (here / "snapshots").glob("*/*")} == set(NAMES) - set(BREAKING)
    assert [name for name in BREAKING if name not in ran.err] == []
    assert SENTENCE not in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["construction", "users", "writing"])
def test_a_live_audit(here: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    environment = live(here, emulator, names=NAMES)
    failing(monkeypatch, LIVE[stage])
    assert_contained(call("audit", "-f", "json", "-f", "terminal", cwd=here, **environment), here)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["SignIn", "open_graph", "diagnose"])
def test_a_diagnosis(here: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    environment = live(here, emulator, names=NAMES)
    failing(monkeypatch, f"auditor.app.tenants.doctor.{stage}")
    ran = call("doctor", cwd=here, **environment)
    assert ran.code == 3, ran.err
    for name in NAMES:
        assert f"{name} (" in ran.text
        assert f": {name}:" not in ran.text, "the tenant is named once"
    assert ran.text.count("FAIL") == len(BREAKING)
    assert SENTENCE not in ran.err + ran.text


@pytest.mark.slow
@pytest.mark.parametrize("asked", [("-f", "html"), ("-q",), ("-f", "json=-")])
def test_an_audit_without_a_summary_says_on_stderr_what_is_missing(
    here: Path, emulator: Emulator, asked: tuple[str, ...]
) -> None:
    environment = live(here, emulator, f"{{type: client-secret, clientId: {CLIENT_ID}, secretEnv: WRONG_SECRET}}")
    ran = call("audit", *asked, cwd=here, **environment, WRONG_SECRET="wrong")
    assert ran.code == 3
    (line,) = ran.err.splitlines()
    assert line.startswith(f"error[audit-incomplete]: {FAILING}: not audited: the sign-in was refused: AADSTS7000215")
    assert line.endswith("(the secret is wrong: take its value, not its id, from the app registration)")


BROKEN = {
    "a line break": "abc\ndef-secret-value",
    "a carriage return": "abc\rdef-secret-value",
    "a letter outside ASCII": "abcé-secret-value",
    "a byte that is no text": "abc\udce9-secret-value",
    "a blank": "abc def-secret-value",
    "a null": "abc\x01def-secret-value",
}


@pytest.mark.slow
@pytest.mark.parametrize("broken", BROKEN)
def test_a_token_that_no_request_can_carry_stays_with_its_tenant(here: Path, emulator: Emulator, broken: str) -> None:
    environment = live(here, emulator, "{type: token, tokenEnv: BROKEN_TOKEN}")
    ran = call("collect", "--no-progress", cwd=here, **environment, BROKEN_TOKEN=BROKEN[broken])
    assert ran.code == 3, ran.err
    assert {path.parent.name for path in (here / "snapshots").glob("*/*")} == set(THREE) - {FAILING}
    assert "token-invalid" in ran.err
    assert "secret-value" not in ran.err + ran.text


@pytest.mark.slow
def test_with_v_the_traceback_is_shown_without_secrets(
    here: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditor.collect.context import CollectionContext  # noqa: PLC0415

    real = CollectionContext.make_coverage

    def make_coverage(context: CollectionContext, *arguments: Any, **options: Any) -> Any:
        if context.tenant == FAILING:
            raise ValueError(f"quotes {SECRET} and \x1b[2J")
        return real(context, *arguments, **options)

    monkeypatch.setattr(CollectionContext, "make_coverage", make_coverage)
    environment = live(here, emulator)
    quiet = call("collect", "--no-progress", cwd=here, **environment)
    assert "Traceback" not in quiet.err
    assert "-v" in quiet.err
    ran = call("collect", "--no-progress", "-v", cwd=here, **environment)
    assert "Traceback" in ran.err
    assert "ValueError: quotes [secret] and \\x1b[2J" in ran.err
    assert SECRET not in ran.err


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
def test_whoever_stops_the_program_stops_it(error: type[BaseException]) -> None:
    with pytest.raises(error), TenantBoundary("contoso"):
        raise error
    with pytest.raises(BaseExceptionGroup), TenantBoundary("contoso"):
        raise BaseExceptionGroup("several", [error(), ValueError()])


def test_a_library_that_panics_is_contained() -> None:
    class PanicError(BaseException):
        """As extensions in Rust raise it."""

    with TenantBoundary("contoso") as boundary:
        raise PanicError
    assert boundary.failure is not None
    assert boundary.failure.slug == "tenant-bug"


def test_a_task_does_not_end_its_event_loop() -> None:
    async def ending() -> None:
        raise SystemExit(1)

    async def both() -> list[BaseException | None]:
        return list(await asyncio.gather(in_task(ending), in_task(asyncio.sleep, 0), return_exceptions=True))

    first, second = asyncio.run(both())
    assert isinstance(first, TaskEndedError)
    assert second is None


def test_a_bug_with_the_only_tenant_is_a_bug_of_the_run(
    here: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = live(here, emulator)
    failing(monkeypatch, LIVE["users"], {FAILING: "Exception"})
    failing(monkeypatch, "auditor.app.tenants.doctor.diagnose", {FAILING: "Exception"})
    for command in ("audit", "collect", "doctor"):
        assert call(command, "--tenant", FAILING, cwd=here, **environment).code == 70
