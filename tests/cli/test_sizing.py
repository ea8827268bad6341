"""`audit` of more people than are held: findings wait on the disk, or are described anew; every file is the same."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from auditor.app import counting, laying, sizing
from auditor.app.audit.run import Request, audited
from auditor.app.flowing import Flow
from auditor.app.packing import Packed
from auditor.cli.commands import audit as command
from auditor.demo import previous
from auditor.domain.result import Result
from auditor.snapshot.writer import write
from tests.builders.command_line import AS_OF, Ran, call, contents
from tests.builders.tenants import NOW

Both = Callable[..., tuple[Ran, Ran]]


def _held(request: Request, *_: object) -> AbstractContextManager[tuple[Result, tuple[Path, ...]]]:
    return audited(request)


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Both:
    """Audit with all findings held, with those of one tenant held at a time, and as if nobody could be held."""
    monkeypatch.setattr(laying, "_TOGETHER", 7)

    def ran(*what: str | Path, environment: dict[str, str] | None = None) -> tuple[Ran, Ran]:
        runs = []
        for way in ("held", "packed", "walked"):
            with monkeypatch.context() as patch:
                if way == "held":
                    patch.setattr(command, "_audited", _held)
                if way == "walked":
                    patch.setattr(sizing, "HELD", 0)
                    patch.setattr(sizing, "LARGE", 0)
                place = tmp_path / way
                place.mkdir()
                own = {name: value.replace("FOLDER", str(place)) for name, value in (environment or {}).items()}
                runs.append(call("audit", *what, "--as-of", AS_OF, "-o", "o", cwd=place, **own))
        one, *others = runs
        for other, way in zip(others, ("packed", "walked"), strict=True):
            assert (one.code, one.text, one.err) == (other.code, other.text, other.err)
            assert contents(tmp_path / "held") == contents(tmp_path / way)
        return one, others[0]

    return ran


@pytest.mark.parametrize("locale", ["en", "tr"])
def test_the_default_reports(locale: str, ran: Both, saved: Path, tmp_path: Path) -> None:
    told, _ = ran("--snapshot", saved, "--locale", locale)
    assert told.code == 1
    names = {"report.html", "result.json", "tenants/contoso.json", "tenants/fabrikam.json"}
    assert names <= set(contents(tmp_path / "walked" / "o"))


def test_every_other_format_that_may_be_walked(ran: Both, saved: Path) -> None:
    ran("--snapshot", saved, "-f", "csv,ndjson,parquet,markdown,json", "--tenant", "contoso")


def test_a_store_keeps_the_same(ran: Both, saved: Path) -> None:
    told, _ = ran("--snapshot", saved, "--store", "store")
    assert "stored" in told.err


def test_a_job_gets_its_summary_and_annotations(ran: Both, saved: Path) -> None:
    job = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "FOLDER/summary"}
    told, _ = ran("--snapshot", saved, environment=job)
    assert "open findings of" in told.text


def test_a_page_of_few_findings_says_how_many_there_are(
    ran: Both, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = ran("--snapshot", saved)
    monkeypatch.setattr(counting, "SHOWN", 30)
    monkeypatch.setattr(sizing, "HELD", 0)
    monkeypatch.setattr(sizing, "LARGE", 0)
    few_shown = call("audit", "--snapshot", saved, "--as-of", AS_OF, "-o", "o", cwd=tmp_path)
    assert (few_shown.code, few_shown.text) == (whole.code, whole.text)
    few, all_ = (contents(tmp_path / place) for place in ("o", "walked/o"))
    assert {name: body for name, body in few.items() if name != "report.html"} == {
        name: body for name, body in all_.items() if name != "report.html"
    }


@pytest.mark.parametrize(
    ("held", "large", "kinds"),
    [
        (486, 0, [Packed, Packed]),
        (485, 0, [Flow, Flow]),
        (400, 60, [Flow, Packed]),
        (427, 60, [Packed, Packed]),
        (0, 428, [Packed, Packed]),
    ],
)
def test_only_the_findings_of_large_tenants_are_described_anew(
    held: int, large: int, kinds: list[type], saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizing, "HELD", held)
    monkeypatch.setattr(sizing, "LARGE", large)
    request = Request(snapshots=(saved,), as_of=NOW, started=NOW)
    with sizing.audited_by_size(request, tmp_path / "report.html") as (result, folders):
        assert [type(tenant.findings) for tenant in result.tenants] == kinds
        assert len(folders) == 2
    one = Request(snapshots=(saved,), tenants=("contoso",), as_of=NOW, started=NOW)
    with sizing.audited_by_size(one, None) as (result, _):
        assert isinstance(result.tenants[0].findings, tuple) is (held >= 427 or large > 427)
    with sizing.audited_by_size(request, None, pieces=False) as (result, _):
        assert {type(tenant.findings) for tenant in result.tenants} == {Packed}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of the night before."""
    place = tmp_path_factory.mktemp("before")
    for snapshot in previous(NOW):
        write(place / "snapshots", snapshot)
    assert call("audit", "--snapshot", "snapshots", "--as-of", "2026-11-19T02:17:00Z", "-q", cwd=place).code == 1
    return place / "out" / "result.json"


@pytest.mark.parametrize("also", [(), ("--redact",), ("--locale", "da")])
def test_what_changed_and_who_is_hidden(also: tuple[str, ...], ran: Both, saved: Path, before: Path) -> None:
    formats = "html,json,csv,xlsx,sarif,junit,markdown,ndjson,parquet,terminal"
    keyed = {"AUDITOR_REDACT_KEY": "the same pseudonyms in every run"}
    told, _ = ran("--snapshot", saved, "--compare", before, "-f", formats, *also, environment=keyed)
    assert told.code == 1


def test_saved_results_are_merged_from_the_disk(ran: Both, saved: Path, before: Path, tmp_path: Path) -> None:
    ran("--snapshot", saved, "--compare", before)
    for tenant in ("contoso", "fabrikam"):
        options = ("--tenant", tenant, "--compare", before, "--as-of", AS_OF, "-f", "json", "-o", tenant)
        assert call("audit", "--snapshot", saved, *options, cwd=tmp_path).code == 1
    parts = ("contoso/result.json", "fabrikam/result.json")
    assert call("report", *parts, "-f", "html,json", "-o", "merged", cwd=tmp_path).code == 0
    whole, merged = contents(tmp_path / "held" / "o"), contents(tmp_path / "merged")
    assert merged == {name: whole[name] for name in merged}
    assert {"report.html", "result.json"} <= set(merged)
