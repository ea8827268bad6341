"""An exception in one live tenant (sign-in, any source, writing) is reported and does not stop the other tenants."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from auditor.failures import TaskEndedError, TenantBoundary, in_task
from tests.builders.service.command_line import call, expect
from tests.builders.service.failures import BREAKING, FAILING, NAMES, POLICY, SENTENCE, THREE, assert_contained, failing
from tests.emulator.fixtures import SECRET, client_secret, running_emulator, small_tenant, tenants_yaml
from tests.emulator.server import Emulator

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A working directory whose policies need exactly the sources that the stages read."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(
        POLICY + "- {id: shared, severity: low, users: {mailboxType: shared}, assignments: {of: paid, allow: []}}\n"
        "- {id: trials, severity: low, purchases: {trials: deny}}\n"
    )
    return tmp_path


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running_emulator([small_tenant(name) for name in NAMES]) as server:
        yield server


def write_tenants(
    folder: Path, emulator: Emulator, credential: str = "", names: Sequence[str] = THREE
) -> dict[str, str]:
    """Write a tenants file of emulated tenants, the failing one with `credential`, and return the environment."""
    credentials = dict.fromkeys(names, client_secret("SOME_SECRET"))
    credentials |= {FAILING: credential} if credential else {}
    (folder / "tenants.yaml").write_text(tenants_yaml(emulator, credentials))
    return {**emulator.environment(), "SOME_SECRET": SECRET}


STAGES = {
    "construction": "auditor.collect.collector.SignIn",
    "sign-in": "auditor.graph.auth.credentials:SignIn.get_token",
    "organization": "auditor.graph.requests.organization",
    "products": "auditor.graph.requests.subscribed_skus",
    "subscriptions": "auditor.graph.requests.subscriptions",
    "groups": "auditor.collect.sources.groups.MemberReader",
    "users": "auditor.collect.sources.users.pages",
    "sign-ins": "auditor.collect.sources.sign_ins.pages",
    "mailboxes": "auditor.collect.sources.mailboxes.answers",
    "writing": "auditor.collect.collector.SnapshotWriter",
    "opening": "auditor.collect.collector.open_graph",
}


@pytest.mark.parametrize("stage", STAGES)
def test_collection(workspace: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    environment = write_tenants(workspace, emulator, names=NAMES)
    failing(monkeypatch, STAGES[stage])
    completed = expect(3, "collect", "--no-progress", cwd=workspace, **environment)
    assert {path.parent.name for path in (workspace / "snapshots").glob("*/*")} == set(NAMES) - set(BREAKING)
    assert [name for name in BREAKING if name not in completed.err] == []
    assert SENTENCE not in completed.err


@pytest.mark.parametrize("stage", ["construction", "users", "writing"])
def test_live_audit(workspace: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    environment = write_tenants(workspace, emulator, names=NAMES)
    failing(monkeypatch, STAGES[stage])
    assert_contained(call("audit", "-f", "json", "-f", "terminal", cwd=workspace, **environment), workspace)


@pytest.mark.parametrize("stage", ["SignIn", "open_graph", "diagnose"])
def test_doctor(workspace: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    environment = write_tenants(workspace, emulator, names=NAMES)
    failing(monkeypatch, f"auditor.app.tenants.doctor.{stage}")
    completed = expect(3, "doctor", cwd=workspace, **environment)
    for name in NAMES:
        assert f"{name} (" in completed.text
        assert f": {name}:" not in completed.text, "the tenant is named once"
    assert completed.text.count("FAIL") == len(BREAKING)
    assert SENTENCE not in completed.err + completed.text


@pytest.mark.parametrize("options", [("-f", "html"), ("-q",), ("-f", "json=-")])
def test_audit_without_a_summary_reports_failed_tenants_on_stderr(
    workspace: Path, emulator: Emulator, options: tuple[str, ...]
) -> None:
    environment = write_tenants(workspace, emulator, client_secret("WRONG_SECRET"))
    completed = expect(3, "audit", *options, cwd=workspace, **environment, WRONG_SECRET="wrong")
    (line,) = completed.err.splitlines()
    assert line.startswith(f"error[audit-incomplete]: {FAILING}: not audited: the sign-in was refused: AADSTS7000215")
    assert line.endswith("(the secret is wrong: take its value, not its id, from the app registration)")


def test_tenant_that_cannot_sign_in_keeps_its_language(workspace: Path, emulator: Emulator) -> None:
    environment = write_tenants(workspace, emulator, "{type: token, tokenEnv: UNSET_TOKEN}", names=(FAILING,))
    file = workspace / "tenants.yaml"
    file.write_text(file.read_text().replace("credential:", "locale: nl, credential:"))
    completed = expect(3, "audit", "-q", cwd=workspace, **environment)
    assert completed.err.startswith(f"fout[audit-incomplete]: {FAILING}: niet gecontroleerd: ")
    assert '<html lang="nl">' in (workspace / "out" / "report.html").read_text()


INVALID_TOKENS = {
    "a line break": "abc\ndef-secret-value",
    "a carriage return": "abc\rdef-secret-value",
    "a letter outside ASCII": "abcé-secret-value",
    "a byte that is no text": "abc\udce9-secret-value",
    "a blank": "abc def-secret-value",
    "a null": "abc\x01def-secret-value",
}


@pytest.mark.parametrize("kind", INVALID_TOKENS)
def test_invalid_characters_in_a_token_fail_only_its_tenant(workspace: Path, emulator: Emulator, kind: str) -> None:
    environment = write_tenants(workspace, emulator, "{type: token, tokenEnv: BROKEN_TOKEN}")
    completed = expect(3, "collect", "--no-progress", cwd=workspace, **environment, BROKEN_TOKEN=INVALID_TOKENS[kind])
    assert {path.parent.name for path in (workspace / "snapshots").glob("*/*")} == set(THREE) - {FAILING}
    assert "token-invalid" in completed.err
    assert "secret-value" not in completed.err + completed.text


def test_verbose_traceback_contains_no_secrets(
    workspace: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditor.collect.context import CollectionContext  # noqa: PLC0415

    original = CollectionContext.make_coverage

    def make_coverage(context: CollectionContext, *arguments: Any, **options: Any) -> Any:
        if context.tenant == FAILING:
            raise ValueError(f"quotes {SECRET} and \x1b[2J")
        return original(context, *arguments, **options)

    monkeypatch.setattr(CollectionContext, "make_coverage", make_coverage)
    environment = write_tenants(workspace, emulator)
    quiet = call("collect", "--no-progress", cwd=workspace, **environment)
    assert "Traceback" not in quiet.err
    assert "-v" in quiet.err
    completed = call("collect", "--no-progress", "-v", cwd=workspace, **environment)
    assert "Traceback" in completed.err
    assert "ValueError: quotes [secret] and \\x1b[2J" in completed.err
    assert SECRET not in completed.err


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
def test_interrupts_are_not_contained(error: type[BaseException]) -> None:
    with pytest.raises(error), TenantBoundary("contoso"):
        raise error
    with pytest.raises(BaseExceptionGroup), TenantBoundary("contoso"):
        raise BaseExceptionGroup("several", [error(), ValueError()])


def test_panic_of_a_rust_library_is_contained() -> None:
    class PanicError(BaseException):
        """Panics of Rust extensions derive from BaseException too."""

    with TenantBoundary("contoso") as boundary:
        raise PanicError
    assert boundary.failure is not None
    assert boundary.failure.slug == "tenant-bug"


def test_system_exit_in_a_task_does_not_end_the_event_loop() -> None:
    async def exiting() -> None:
        raise SystemExit(1)

    async def gathered() -> list[BaseException | None]:
        return list(await asyncio.gather(in_task(exiting), in_task(asyncio.sleep, 0), return_exceptions=True))

    first, second = asyncio.run(gathered())
    assert isinstance(first, TaskEndedError)
    assert second is None


def test_exception_in_the_only_tenant_exits_with_70(
    workspace: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = write_tenants(workspace, emulator)
    failing(monkeypatch, STAGES["users"], {FAILING: "Exception"})
    failing(monkeypatch, "auditor.app.tenants.doctor.diagnose", {FAILING: "Exception"})
    for command in ("audit", "collect", "doctor"):
        assert call(command, "--tenant", FAILING, cwd=workspace, **environment).code == 70
