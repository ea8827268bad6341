"""`audit` of more people than are held: findings are described while they are walked, and every file is the same."""

from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.app import counting, sizing
from auditor.app.flowing import Flow
from auditor.app.running import Request
from tests.cli.harness import AS_OF, Ran, call, contents
from tests.engine.tenants import NOW

Both = Callable[..., tuple[Ran, Ran]]


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Both:
    """Audit twice, the second time as if nobody could be held."""

    def ran(*what: str | Path, environment: dict[str, str] | None = None) -> tuple[Ran, Ran]:
        runs = []
        for folder, most in (("held", sizing.HELD), ("walked", 0)):
            monkeypatch.setattr(sizing, "HELD", most)
            monkeypatch.setattr(sizing, "LARGE", 0)
            place = tmp_path / folder
            place.mkdir()
            own = {name: value.replace("FOLDER", str(place)) for name, value in (environment or {}).items()}
            runs.append(call("audit", *what, "--as-of", AS_OF, "-o", "o", cwd=place, **own))
        one, other = runs
        assert (one.code, one.text, one.err) == (other.code, other.text, other.err)
        assert contents(tmp_path / "held") == contents(tmp_path / "walked")
        return one, other

    return ran


@pytest.mark.parametrize("locale", ["en", "tr"])
def test_the_default_reports(locale: str, both: Both, saved: Path, tmp_path: Path) -> None:
    ran, _ = both("--snapshot", saved, "--locale", locale)
    assert ran.code == 1
    names = {"report.html", "result.json", "tenants/contoso.json", "tenants/fabrikam.json"}
    assert names <= set(contents(tmp_path / "walked" / "o"))


def test_every_other_format_that_may_be_walked(both: Both, saved: Path) -> None:
    both("--snapshot", saved, "-f", "csv,ndjson,parquet,markdown,json", "--tenant", "contoso")


def test_a_store_keeps_the_same(both: Both, saved: Path) -> None:
    ran, _ = both("--snapshot", saved, "--store", "store")
    assert "stored" in ran.err


def test_a_job_gets_its_summary_and_annotations(both: Both, saved: Path) -> None:
    job = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "FOLDER/summary"}
    ran, _ = both("--snapshot", saved, environment=job)
    assert "open findings of" in ran.text


def test_a_page_of_few_findings_says_how_many_there_are(
    both: Both, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "SHOWN", 30)
    monkeypatch.setattr(sizing, "HELD", 0)
    monkeypatch.setattr(sizing, "LARGE", 0)
    ran = call("audit", "--snapshot", saved, "--as-of", AS_OF, "-o", "o", cwd=tmp_path)
    whole, _ = both("--snapshot", saved)
    assert (ran.code, ran.text) == (whole.code, whole.text)
    few, all_ = (contents(tmp_path / place) for place in ("o", "walked/o"))
    assert {name: body for name, body in few.items() if name != "report.html"} == {
        name: body for name, body in all_.items() if name != "report.html"
    }


@pytest.mark.parametrize(
    ("held", "large", "kind"),
    [(486, 0, tuple), (485, 0, Flow), (400, 60, Flow), (427, 60, tuple), (0, 428, tuple)],
)
def test_small_tenants_are_held_however_many(
    held: int, large: int, kind: type, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizing, "HELD", held)
    monkeypatch.setattr(sizing, "LARGE", large)
    request = Request(snapshots=(saved,), as_of=NOW, started=NOW)
    with sizing.audited_by_size(request, tmp_path / "report.html") as (result, folders):
        assert {type(tenant.findings) for tenant in result.tenants} == {kind}
        assert len(folders) == 2
