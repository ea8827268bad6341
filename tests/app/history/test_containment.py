"""A damaged tenant in a store stops neither `auditor history` nor reports with earlier runs."""

import json
import shutil
from pathlib import Path

import pytest

from tests.builders.service.command_line import call, expect
from tests.builders.service.failures import FAILING, SENTENCE, failing

pytestmark = pytest.mark.slow

_NIGHTS = ("2026-11-19T02:17:00Z", "2026-11-20T02:17:00Z")
_TONIGHT = "2026-11-21T02:17:00Z"


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of three nights of the two demo tenants, and a store with the first two; tests must not change them."""
    folder = tmp_path_factory.mktemp("audited")
    for output, instant in (("earlier/0", _NIGHTS[0]), ("earlier/1", _NIGHTS[1]), ("tonight", _TONIGHT)):
        expect(1, "audit", "--demo", "--as-of", instant, "-q", "-f", "json", "-o", output, cwd=folder)
    expect(0, "store", "put", "audits", "earlier/0/result.json", "earlier/1/result.json", cwd=folder)
    return folder


@pytest.fixture
def store(audited: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(audited / "audits", tmp_path / "audits"))


def _tenants(store: Path) -> tuple[str, str]:
    first, second = sorted(path.name for path in store.iterdir() if (path / "results").is_dir())
    return first, second


def _damage(store: Path, tenant: str) -> None:
    (store / tenant / "results" / "000001.json").write_bytes(b'{"schema": "auditor/ledger/v1", "number"')


def test_history_reports_the_damaged_tenant_and_shows_the_others(store: Path) -> None:
    damaged, intact = _tenants(store)
    _damage(store, damaged)
    completed = expect(3, "history", "audits", "-f", "json", cwd=store.parent)
    assert [tenant["name"] for tenant in json.loads(completed.out)["tenants"]] == [intact]
    assert f"{damaged}/results/000001.json" in completed.err
    expect(0, "history", "audits", "--tenant", intact, "-f", "json", cwd=store.parent)
    single = expect(2, "history", "audits", "--tenant", damaged, "-f", "json", cwd=store.parent)
    assert f"{damaged}/results/000001.json" in single.err


def test_comparison_of_nights_leaves_out_the_tenant_with_damaged_findings(store: Path) -> None:
    damaged, intact = _tenants(store)
    for findings in (store / damaged / "findings").iterdir():
        findings.write_bytes(b"PAR1")
    options = ("--from", _NIGHTS[0], "--to", _NIGHTS[1], "-f", "json")
    completed = expect(3, "history", "audits", *options, cwd=store.parent)
    assert [tenant["tenant"] for tenant in json.loads(completed.out)["between"]] == [intact]
    assert f"{damaged}: audits/{damaged}/findings/" in completed.err
    expect(2, "history", "audits", *options, "--tenant", damaged, cwd=store.parent)


def test_audit_with_history_writes_reports_if_a_tenant_of_the_store_is_damaged(store: Path) -> None:
    damaged, _ = _tenants(store)
    _damage(store, damaged)
    audit = ("audit", "--demo", "--as-of", _TONIGHT, "-f", "json", "-f", "html", "--history", "audits")
    completed = expect(3, *audit, cwd=store.parent)
    assert f"{damaged}/results/000001.json" in completed.err
    result = json.loads((store.parent / "out" / "result.json").read_text(encoding="utf-8"))
    assert [tenant["failure"] for tenant in result["tenants"]] == [None, None]
    assert (store.parent / "out" / "report.html").exists()


@pytest.mark.parametrize("command", [("audit", "--demo", "--as-of", _TONIGHT), ("report", "tonight/result.json")])
def test_damaged_result_in_a_folder_of_earlier_runs_does_not_stop_reports(
    audited: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    shutil.copytree(audited, tmp_path, dirs_exist_ok=True)
    (tmp_path / "earlier" / "0" / "result.json").write_text("{")
    completed = expect(3, *command, "--history", "earlier", "-f", "json,markdown", cwd=tmp_path)
    assert completed.err.count("error[result-damaged]: earlier/0/result.json: ") == 1
    assert json.loads((tmp_path / "out" / "result.json").read_bytes())["tenants"]
    assert "open findings" in (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")


def test_send_reports_once_that_earlier_runs_of_the_store_cannot_be_read(audited: Path, store: Path) -> None:
    damaged, intact = _tenants(store)
    _damage(store, damaged)
    folder, readers = store.parent, "[{address: ann@contoso.example}, {address: bo@contoso.example}]"
    tenants = "".join(
        f"  - {{name: {name}, tenantId: {number * 8}-1111-1111-1111-111111111111, recipients: {readers}}}\n"
        for number, name in (("1", damaged), ("2", intact))
    )
    (folder / "tenants.yaml").write_text(
        f"version: 1\ntenants:\n{tenants}mail:\n  from: a@contoso.example\n  smtp: {{host: relay.example}}\n"
    )
    send = ("send", audited / "tonight" / "result.json", "--history", "audits", "--dry-run")
    for options in ((), ("-q",)):
        completed = expect(0, *send, *options, cwd=folder, HOME=str(folder))
        assert completed.err.count(f"{damaged}/results/000001.json") == 1, completed.err


@pytest.mark.parametrize("kind", ["ExceptionGroup", "MemoryError"])
def test_exception_in_one_tenant_does_not_stop_the_others(
    store: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    failing(monkeypatch, "auditor.app.history.queries.trends", {FAILING: kind})
    completed = call("history", "audits", "-f", "json", cwd=store.parent)
    assert FAILING in _tenants(store)
    assert completed.code == 3, completed.err
    assert len(json.loads(completed.out)["tenants"]) == 1
    assert FAILING in completed.err
    assert SENTENCE not in completed.err + completed.text
