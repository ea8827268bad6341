"""One damaged tenant of a store stops neither `auditor history` nor the reports that show earlier runs."""

import json
import shutil
from pathlib import Path

import pytest

from tests.builders.service.command_line import call
from tests.builders.service.failures import FAILING, SENTENCE, failing

pytestmark = pytest.mark.slow

_NIGHTS = ("2026-11-19T02:17:00Z", "2026-11-20T02:17:00Z")
_TONIGHT = "2026-11-21T02:17:00Z"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights of the two tenants of the demo; no test changes them."""
    folder = tmp_path_factory.mktemp("whole")
    for number, instant in enumerate(_NIGHTS):
        ran = call("audit", "--demo", "--as-of", instant, "-o", f"out{number}", "-f", "json", cwd=folder)
        assert ran.code in {0, 1}, ran.err
        put = call("store", "put", "audits", f"out{number}/result.json", cwd=folder)
        assert put.code == 0, put.err
    return folder / "audits"


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "audits"))


def _tenants(store: Path) -> tuple[str, str]:
    first, second = sorted(path.name for path in store.iterdir() if (path / "results").is_dir())
    return first, second


def _damage(store: Path, tenant: str) -> None:
    (store / tenant / "results" / "000001.json").write_bytes(b'{"schema": "auditor/ledger/v1", "number"')


def test_history_shows_the_others_and_tells_the_damaged_tenant(store: Path) -> None:
    broken, sound = _tenants(store)
    _damage(store, broken)
    ran = call("history", "audits", "-f", "json", cwd=store.parent)
    assert ran.code == 3, ran.err
    assert [tenant["name"] for tenant in json.loads(ran.out)["tenants"]] == [sound]
    assert f"{broken}/results/000001.json" in ran.err
    assert call("history", "audits", "--tenant", sound, "-f", "json", cwd=store.parent).code == 0
    alone = call("history", "audits", "--tenant", broken, "-f", "json", cwd=store.parent)
    assert alone.code == 2
    assert f"{broken}/results/000001.json" in alone.err


def test_an_audit_with_curves_is_reported_though_a_tenant_of_the_store_is_damaged(store: Path) -> None:
    broken, _ = _tenants(store)
    _damage(store, broken)
    ran = call(
        "audit", "--demo", "--as-of", _TONIGHT, "-f", "json", "-f", "html", "--history", "audits", cwd=store.parent
    )  # fmt: skip
    assert ran.code == 3, ran.err
    assert f"{broken}/results/000001.json" in ran.err
    result = json.loads((store.parent / "out" / "result.json").read_text(encoding="utf-8"))
    assert [tenant["failure"] for tenant in result["tenants"]] == [None, None]
    assert (store.parent / "out" / "report.html").exists()


@pytest.mark.parametrize("kind", ["ExceptionGroup", "MemoryError"])
@pytest.mark.parametrize("phase", ["trends"])
def test_what_is_raised_for_one_tenant_stays_with_it(
    store: Path, monkeypatch: pytest.MonkeyPatch, phase: str, kind: str
) -> None:
    failing(monkeypatch, f"auditor.app.history.queries.{phase}", {FAILING: kind})
    ran = call("history", "audits", "-f", "json", cwd=store.parent)
    assert FAILING in _tenants(store)
    assert ran.code == 3, ran.err
    assert len(json.loads(ran.out)["tenants"]) == 1
    assert FAILING in ran.err
    assert SENTENCE not in ran.err + ran.text
