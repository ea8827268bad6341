"""`auditor history` and `store check` on a store: seats, findings, cohorts, and since when a finding is open."""

import json
import re
import shutil
from codecs import BOM_UTF8
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from auditor.snapshot.writer import write
from auditor.store.commit import with_digest
from tests.builders.service.command_line import call, contents, expect
from tests.builders.tenant.nights import START, night
from tests.builders.tenant.two_people import ANN, ASKED, BLOCKED_BOB, BLOCKED_POLICY, BOB, HOSTILE, TWO_PEOPLE, instant

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five audits: Bob is fine, blocked twice, removed, and blocked again."""
    folder = tmp_path_factory.mktemp("history")
    (folder / "p.yaml").write_text(BLOCKED_POLICY.replace("severity:", "title: Nobody blocked, severity:"))
    for day, users in enumerate(
        [[ANN, {**BOB, **HOSTILE}], [ANN, BLOCKED_BOB], [ANN, BLOCKED_BOB], [ANN], [ANN, BLOCKED_BOB]]
    ):
        write(folder / "snapshots", night({**TWO_PEOPLE, "users": users}, day, asked=ASKED))
        completed = call(
            "audit", "p.yaml", "--snapshot", "snapshots", "--as-of", instant(day), "-o", f"out{day}", "-f", "json",
            cwd=folder,
        )  # fmt: skip
        assert completed.code in {0, 1}, completed.err
        expect(0, "store", "put", "audits", "snapshots", f"out{day}/result.json", cwd=folder)
    return folder


def history(workspace: Path, *options: str) -> dict[str, Any]:
    now = str(int((START + timedelta(days=5)).timestamp()))
    completed = expect(0, "history", "audits", "-f", "json", *options, cwd=workspace, SOURCE_DATE_EPOCH=now)
    return dict(json.loads(completed.out))


def test_findings_seats_and_cohorts_are_counted_without_a_forecast(workspace: Path) -> None:
    (tenant,) = history(workspace)["tenants"]
    (policy,) = tenant["policies"]
    assert [result["open"] for result in policy["results"]] == [0, 2, 2, 0, 2]
    assert (policy["opened"], policy["closed"], policy["repaired"], policy["medianRepairDays"]) == (4, 2, 2, 2.0)
    assert [night["open"]["high"] for night in tenant["findings"]] == [0, 2, 2, 0, 2]
    (seat,) = tenant["seats"]
    assert [night["consumed"] for night in seat["nights"]] == [2] * 5
    assert seat["cohorts"] == {"nights": 4, "kept": 1, "new": 1, "reclaimed": 0, "lapsed": 1}
    assert "8 weeks" in seat["forecast"]["silent"]
    assert tenant["unknown"] == []


@pytest.mark.parametrize(
    "question", [("--policy", "blocked"), ("--person", "BOB@contoso.example"), ("--finding", None)]
)
def test_policy_person_and_finding_options_show_since_when_a_finding_is_open(
    question: tuple[str, str | None], workspace: Path
) -> None:
    flag, value = question
    episodes = history(workspace, "--policy", "blocked")["episodes"]
    assert len({episode["fingerprint"] for episode in episodes}) == 2
    fingerprint = episodes[0]["fingerprint"]
    matching = [
        episode
        for episode in history(workspace, flag, value or fingerprint[:12])["episodes"]
        if episode["fingerprint"] == fingerprint
    ]
    spans = [(episode["since"], episode["until"], episode["ended"]) for episode in matching]
    assert spans == [(instant(1), instant(3), "closed"), (instant(4), None, None)]


@pytest.mark.parametrize(
    ("option", "suggestion"),
    [
        (("--policy", "blokced"), "did you mean blocked?"),
        (("--policy", "zzz"), "no stored result of contoso has a policy 'zzz'"),
        (("--person", "bobb@contoso.example"), "did you mean bob@contoso.example?"),
        (("--person", "bob@fabrikam.example"), "did you mean bob@contoso.example?"),
        (("--person", "zoe@contoso.example"), None),
        (("--finding", "000000"), None),
    ],
)
def test_unknown_policy_person_or_finding_is_reported_with_suggestions(
    option: tuple[str, str], suggestion: str | None, workspace: Path
) -> None:
    completed = expect(0, "history", "audits", *option, cwd=workspace)
    assert f"no stored result has a finding of {option[1]}" in completed.text
    assert (
        (suggestion in completed.err and "warning[history-unknown]" in completed.err)
        if suggestion is not None
        else completed.err == ""
    )
    quiet = call("history", "audits", *option, "-q", "-f", "json", cwd=workspace)
    assert (quiet.code, quiet.err, json.loads(quiet.out)["episodes"]) == (0, "", [])


def test_policy_without_findings_is_not_reported_as_unknown(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    write(tmp_path / "snapshots", night({**TWO_PEOPLE, "users": [ANN]}, 0, asked=ASKED))
    call("audit", "p.yaml", "--snapshot", "snapshots", "--as-of", instant(0), "-f", "json", cwd=tmp_path)
    completed = call("history", "out/result.json", "--policy", "blocked", cwd=tmp_path)
    assert (completed.code, completed.err) == (0, "")


@pytest.mark.parametrize("nights", [(), ("--from", instant(3), "--to", instant(4))])
def test_terminal_and_page_show_the_title_of_a_policy(nights: tuple[str, ...], workspace: Path) -> None:
    completed = expect(0, "history", "audits", *nights, "-f", "terminal,html=titles.html", cwd=workspace)
    tables = completed.text[completed.text.index("Policy") :] + (workspace / "titles.html").read_text()
    assert tables.count("Nobody blocked") >= 2
    assert re.search(r"\bblocked\b", tables.replace("Nobody blocked", "")) is None


def test_from_and_to_select_nights_and_results(workspace: Path) -> None:
    (tenant,) = history(workspace, "--from", instant(1, 0), "--to", instant(2))["tenants"]
    assert (tenant["nights"], tenant["results"]) == (2, 2)


def test_people_option_compares_the_holders_of_two_nights(workspace: Path) -> None:
    command = ("history", "audits", "--from", instant(0), "--to", instant(3), "--people")
    completed = expect(0, *command, cwd=workspace)
    assert [line.split() for line in completed.text.splitlines() if "365 E" in line] == [
        ["Microsoft", "365", "E3", "1", "0", "0", "1"],
        ["Microsoft", "365", "E5", "0", "0", "0", "1"],
    ]
    people = json.loads(expect(0, *command, "-f", "json", cwd=workspace).out)["people"]
    assert [(row["kept"], row["lapsed"], "nights" in row) for row in people] == [(1, 1, False), (0, 1, False)]


def test_snapshots_and_results_without_a_store_give_the_same_history(workspace: Path) -> None:
    results = [f"out{day}/result.json" for day in range(5)]
    unstored = json.loads(call("history", "snapshots", *results, "-f", "json", cwd=workspace).out)["tenants"][0]
    stored = history(workspace)["tenants"][0]
    assert unstored["policies"] == stored["policies"]
    assert unstored["findings"] == stored["findings"]
    assert [seat["nights"] for seat in unstored["seats"]] == [seat["nights"] for seat in stored["seats"]]
    assert "people are not counted in 5 of 5 nights" in unstored["unknown"]


def test_hostile_names_are_escaped_in_every_format(workspace: Path) -> None:
    expect(0, "history", "audits", "-f", "html=h.html", "-f", "csv=h.csv", "-f", "parquet=h.parquet", cwd=workspace)
    assert (plain := (workspace / "h.csv").read_bytes()).startswith(b"tenant,at,")
    for options, variables in ((("--csv-bom",), {}), ((), {"AUDITOR_CSV_BOM": "1"})):
        marked = expect(0, "history", "audits", "-f", "csv", *options, cwd=workspace, **variables)
        assert marked.out == BOM_UTF8 + plain
    page = (workspace / "h.html").read_text()
    assert "<script" not in page
    assert ">Nobody blocked<" in page, "policies are shown by title"
    assert pq.read_table(workspace / "h.parquet").num_rows == len((workspace / "h.csv").read_text().splitlines()) - 1
    completed = call("history", "audits", "--policy", "blocked", cwd=workspace)
    assert "\x1b[31m" not in completed.text
    assert "\\x1b[31m<script>" in completed.text


def test_audit_report_contains_curves_from_the_store(workspace: Path) -> None:
    expect(1,
        "audit", "p.yaml", "--snapshot", "audits", "--as-of", instant(4), "--history", "audits", "-f", "html=r.html",
        "-q", cwd=workspace,
    )  # fmt: skip
    assert "<polyline" in (workspace / "r.html").read_text()


def test_store_put_rejects_results_out_of_order_or_with_a_stored_instant(workspace: Path, tmp_path: Path) -> None:
    for day in (0, 1):
        call("store", "put", tmp_path / "s", f"out{1 - day}/result.json", cwd=workspace)
    older = call("store", "put", tmp_path / "s", "out0/result.json", cwd=workspace)
    assert (older.code, "store-order" in older.err) == (2, True)
    assert "+00:00" not in older.err, "instants are written as in files"
    document = json.loads((workspace / "out1" / "result.json").read_text())
    document["run"]["id"] = "another"
    document["tenants"][0]["findings"].pop()
    (tmp_path / "r.json").write_text(json.dumps(document))
    changed = call("store", "put", tmp_path / "s", tmp_path / "r.json", cwd=workspace)
    assert (changed.code, "store-exists" in changed.err) == (2, True)
    repeated = call("store", "put", tmp_path / "s", "out1/result.json", cwd=workspace)
    assert (repeated.code, "already stored" in repeated.err) == (0, True)


def test_findings_stay_open_while_their_policy_is_not_evaluated(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    for day, properties in enumerate([ASKED, ("id",), ASKED]):
        write(tmp_path / "snapshots", night({**TWO_PEOPLE, "users": [ANN, BLOCKED_BOB]}, day, asked=properties))
        call("audit", "p.yaml", "--snapshot", "snapshots", "--as-of", instant(day), "-f", "json", cwd=tmp_path)
        assert call("store", "put", "audits", "out/result.json", cwd=tmp_path).code == 0
    episodes = history(tmp_path, "--policy", "blocked")["episodes"]
    assert [(episode["since"], episode["until"]) for episode in episodes] == [(instant(0), None)] * 2


def test_history_works_with_a_clock_before_the_stored_nights(workspace: Path) -> None:
    expect(0, "history", "audits", "-f", "json", cwd=workspace, SOURCE_DATE_EPOCH="1577836800")


def test_prune_deletes_old_findings_and_keeps_their_counts(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    for day in (0, 1, 40, 80):
        write(tmp_path / "snapshots", night({**TWO_PEOPLE, "users": [ANN, BLOCKED_BOB]}, day, asked=ASKED))
        call("audit", "p.yaml", "--snapshot", "snapshots", "--as-of", instant(day), "-f", "json", cwd=tmp_path)
        assert call("store", "put", "audits", "snapshots", "out/result.json", cwd=tmp_path).code == 0
    expect(0, "store", "prune", "audits", "--keep", "10d", "--as-of", instant(81), "--delete", cwd=tmp_path)
    assert [path.name[:6] for path in sorted((tmp_path / "audits" / "contoso" / "findings").iterdir())] == ["000004"]
    episodes = history(tmp_path, "--policy", "blocked")["episodes"]
    assert [(episode["since"], episode["until"]) for episode in episodes] == [(instant(0), None)] * 2
    assert len(history(tmp_path)["tenants"][0]["findings"]) == 4


def test_prune_deletes_old_findings_in_a_store_of_results_only(workspace: Path, tmp_path: Path) -> None:
    store = tmp_path / "results"
    assert call("store", "put", store, *(f"out{day}/result.json" for day in range(5)), cwd=workspace).code == 0
    prune = ("store", "prune", store, "--keep", "10d", "--as-of", instant(30))
    early = call("store", "prune", store, "--keep", "10d", "--delete", cwd=workspace, SOURCE_DATE_EPOCH="0")
    assert (early.code, "keep-clock" in early.err) == (2, True)
    preview = call(*prune, "--json", cwd=workspace)
    completed = call(*prune, "--tenant", "contoso", "--delete", cwd=workspace)
    assert (completed.code, json.loads(preview.out)[0]["findingsOfResults"]) == (0, [instant(day) for day in range(3)])
    assert [path.name[:6] for path in sorted((store / "contoso" / "findings").iterdir())] == ["000004", "000005"]


def test_missing_findings_in_the_store_are_an_error(workspace: Path) -> None:
    *_, newest = sorted((workspace / "audits" / "contoso" / "findings").iterdir())
    newest.unlink()
    completed = call("history", "audits", "--policy", "blocked", cwd=workspace)
    assert (completed.code, completed.out) == (2, b"")
    assert "store-damaged" in completed.err


@pytest.mark.parametrize(
    ("span", "message"),
    [
        (("--from", "2030-01-01"), "audits has nothing after 2030-01-01T00:00:00Z"),
        (("--to", "2020-01-01"), "audits has nothing before 2020-01-01T23:59:59Z"),
    ],
)
def test_time_range_without_a_night_is_an_error_that_names_the_option_value(
    span: tuple[str, str], message: str, workspace: Path
) -> None:
    completed = expect(2, "history", "audits", *span, cwd=workspace)
    assert (completed.out, "[history-empty]" in completed.err, message in completed.err) == (b"", True, True)


@pytest.fixture(scope="module")
def intact_store(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The five nights and results in another store: a test above deletes findings of the first one."""
    store = tmp_path_factory.mktemp("intact") / "audits"
    for day in range(5):
        expect(0, "store", "put", store, f"out{day}/result.json", cwd=workspace)
    expect(0, "store", "put", store, "snapshots", cwd=workspace)
    return store


@pytest.fixture
def copy(intact_store: Path, tmp_path: Path) -> Path:
    """The tenant in a copy of the intact store, which a test may damage."""
    return shutil.copytree(intact_store, tmp_path / "audits") / "contoso"


def check_store(tenant: Path) -> tuple[int, str, list[dict[str, Any]]]:
    completed = call("store", "check", "audits", "--json", cwd=tenant.parents[1])
    return completed.code, completed.err, [entry for entry in json.loads(completed.out) if entry["wrong"] is not None]


def test_check_reports_the_number_of_complete_nights_and_results(copy: Path) -> None:
    code, report, damaged = check_store(copy)
    assert (code, damaged) == (0, [])
    assert report == "5 of 5 nights are undamaged\n5 of 5 results are undamaged\n"


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_check_reports_missing_or_damaged_findings(damage: str, number: int, copy: Path) -> None:
    """Five nights from 29 January on: the fourth result is the first of a month; pruning may delete those before."""
    (path,) = (copy / "findings").glob(f"{number:06}-*")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.unlink()
    code, report, damaged = check_store(copy)
    if damage == "gone" and number == 1:
        assert (code, damaged) == (0, []), "as after pruning"
        return
    assert code == 3
    (problems,) = damaged
    assert (problems["kind"], problems["instant"]) == ("result", instant(number - 1))
    assert path.name in problems["wrong"]
    assert "4 of 5 results are undamaged" in report


@pytest.mark.parametrize("number", range(1, 5))
def test_check_reports_a_missing_result_by_the_gap_in_the_numbers(number: int, copy: Path) -> None:
    (copy / "results" / f"{number:06}.json").unlink()
    code, _, damaged = check_store(copy)
    assert code == 3
    assert any(f"{number:06}.json" in entry["wrong"] for entry in damaged)


def test_check_reports_findings_and_parts_without_a_commit(copy: Path) -> None:
    results = sorted((copy / "results").iterdir())
    results[4].unlink()
    assert check_store(copy)[0] == 0, "as during a write"
    for path in results[2:4]:
        path.unlink()
    assert all(
        f"{number:06}.json" in entry["wrong"] for number, entry in zip((3, 4), check_store(copy)[2], strict=True)
    )
    for path in results[:2]:
        path.unlink()
    code, _, (problems,) = check_store(copy)
    assert code == 3
    assert "has no commit, but has findings" in problems["wrong"]
    shutil.rmtree(copy / "results")
    shutil.rmtree(copy / "findings")
    assert check_store(copy)[:2] == (0, "5 of 5 nights are undamaged\n")
    shutil.rmtree(copy / "nights")
    code, report, (problems,) = check_store(copy)
    assert (code, problems["tenant"]) == (3, "contoso")
    assert "has no commit, but has parts" in problems["wrong"]
    assert "0 of 0 nights" in report


def test_check_reports_findings_paths_outside_the_tenant(copy: Path) -> None:
    commit = copy / "results" / "000005.json"
    text, _, _ = commit.read_bytes().rpartition(b',"digest"')
    document = json.loads(text + b"}")
    document["events"]["name"] = "contoso/findings/../../../secret"
    commit.write_bytes(with_digest(document))
    code, _, (problems,) = check_store(copy)
    assert code == 3
    assert "000005.json" in problems["wrong"]


def test_prune_deletes_nothing_while_newer_findings_are_missing(copy: Path) -> None:
    (path,) = (copy / "findings").glob("000005-*")
    body = path.read_bytes()
    path.unlink()
    prune = ("store", "prune", "audits", "--keep", "1d", "--as-of", instant(400), "--delete")
    before = contents(copy)
    completed = call(*prune, cwd=copy.parents[1])
    assert (completed.code, completed.out) == (2, b"")
    assert "store-damaged" in completed.err
    assert contents(copy) == before
    path.write_bytes(body)
    assert call(*prune, cwd=copy.parents[1]).code == 0
    assert check_store(copy)[0] == 0
