"""`auditor history` over a store: seats, findings, who kept a licence, and since when."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from auditor.snapshot.writer import write
from auditor.store.commit import sealed
from tests.builders.service.command_line import Ran, call, contents, expect
from tests.builders.tenant.nights import START, night
from tests.builders.tenant.two_people import ANN, ASKED, BLOCKED_BOB, BLOCKED_POLICY, BOB, HOSTILE, TWO_PEOPLE, instant


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five nights: Bob is fine, blocked twice, mended, and blocked again."""
    folder = tmp_path_factory.mktemp("history")
    (folder / "p.yaml").write_text(BLOCKED_POLICY.replace("severity:", "title: Nobody blocked, severity:"))
    for day, users in enumerate(
        [[ANN, {**BOB, **HOSTILE}], [ANN, BLOCKED_BOB], [ANN, BLOCKED_BOB], [ANN], [ANN, BLOCKED_BOB]]
    ):
        write(folder / "snapshots", night({**TWO_PEOPLE, "users": users}, day, asked=ASKED))
        audited = call(
            "audit", "p.yaml", "--snapshot", "snapshots", "--as-of", instant(day), "-o", f"out{day}", "-f", "json",
            cwd=folder,
        )  # fmt: skip
        assert audited.code in {0, 1}, audited.err
        expect(0, "store", "put", "audits", "snapshots", f"out{day}/result.json", cwd=folder)
    return folder


def history(workspace: Path, *options: str) -> dict[str, Any]:
    now = str(int((START + timedelta(days=5)).timestamp()))
    done = expect(0, "history", "audits", "-f", "json", *options, cwd=workspace, SOURCE_DATE_EPOCH=now)
    return dict(json.loads(done.out))


@pytest.mark.slow
def test_findings_seats_and_cohorts_of_every_night_are_counted_and_no_forecast_is_made(workspace: Path) -> None:
    (tenant,) = history(workspace)["tenants"]
    (policy,) = tenant["policies"]
    assert [result["open"] for result in policy["results"]] == [0, 2, 2, 0, 2]
    assert (policy["opened"], policy["closed"], policy["repaired"], policy["medianRepairDays"]) == (4, 2, 2, 2.0)
    assert [each["open"]["high"] for each in tenant["findings"]] == [0, 2, 2, 0, 2]
    (seat,) = tenant["seats"]
    assert [each["consumed"] for each in seat["nights"]] == [2] * 5
    assert seat["cohorts"] == {"nights": 4, "kept": 1, "new": 1, "reclaimed": 0, "lapsed": 1}
    assert "8 weeks" in seat["forecast"]["silent"]
    assert tenant["unknown"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "question", [("--policy", "blocked"), ("--person", "BOB@contoso.example"), ("--finding", None)]
)
def test_since_when_is_one_command(question: tuple[str, str | None], workspace: Path) -> None:
    flag, wanted = question
    every = history(workspace, "--policy", "blocked")["episodes"]
    assert len({each["fingerprint"] for each in every}) == 2
    mark = every[0]["fingerprint"]
    found = [each for each in history(workspace, flag, wanted or mark[:12])["episodes"] if each["fingerprint"] == mark]
    spans = [(each["since"], each["until"], each["ended"]) for each in found]
    assert spans == [(instant(1), instant(3), "closed"), (instant(4), None, None)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        (("--policy", "blokced"), "did you mean blocked?"),
        (("--policy", "zzz"), "no stored result of contoso has a policy 'zzz'"),
        (("--person", "bobb@contoso.example"), "did you mean bob@contoso.example?"),
        (("--person", "bob@fabrikam.example"), "did you mean bob@contoso.example?"),
        (("--person", "zoe@contoso.example"), None),
        (("--finding", "000000"), None),
    ],
)
def test_a_name_that_no_result_knows_is_reported_with_those_that_come_near(
    asked: tuple[str, str], nearest: str | None, workspace: Path
) -> None:
    done = expect(0, "history", "audits", *asked, cwd=workspace)
    assert f"no stored result has a finding of {asked[1]}" in done.text
    assert (nearest in done.err and "warning[history-unknown]" in done.err) if nearest is not None else done.err == ""
    quiet = call("history", "audits", *asked, "-q", "-f", "json", cwd=workspace)
    assert (quiet.code, quiet.err, json.loads(quiet.out)["episodes"]) == (0, "", [])


def test_a_policy_that_finds_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    write(tmp_path / "snapshots", night({**TWO_PEOPLE, "users": [ANN]}, 0, asked=ASKED))
    call("audit", "p.yaml", "--snapshot", "snapshots", "--as-of", instant(0), "-f", "json", cwd=tmp_path)
    done = call("history", "out/result.json", "--policy", "blocked", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")


@pytest.mark.slow
def test_between_two_instants_only_what_lies_there(workspace: Path) -> None:
    (tenant,) = history(workspace, "--from", instant(1, 0), "--to", instant(2))["tenants"]
    assert (tenant["nights"], tenant["results"]) == (2, 2)
    done = call("history", "audits", "--from", "2030-01-01", cwd=workspace)
    assert (done.code, done.out, "history-empty" in done.err) == (2, b"", True)


@pytest.mark.slow
def test_people_of_two_nights_are_held_against_each_other(workspace: Path) -> None:
    done = expect(0, "history", "audits", "--from", instant(0), "--to", instant(3), "--people", cwd=workspace)
    assert [line.split() for line in done.text.splitlines() if "365 E" in line] == [
        ["Microsoft", "365", "E3", "1", "0", "0", "1"],
        ["Microsoft", "365", "E5", "0", "0", "0", "1"],
    ]


@pytest.mark.slow
def test_without_a_store_snapshots_and_results_say_the_same(workspace: Path) -> None:
    results = [f"out{day}/result.json" for day in range(5)]
    loose = json.loads(call("history", "snapshots", *results, "-f", "json", cwd=workspace).out)["tenants"][0]
    kept = history(workspace)["tenants"][0]
    assert loose["policies"] == kept["policies"]
    assert loose["findings"] == kept["findings"]
    assert [seat["nights"] for seat in loose["seats"]] == [seat["nights"] for seat in kept["seats"]]
    assert "people are not counted in 5 of 5 nights" in loose["unknown"]


def test_hostile_names_stay_harmless_in_every_form(workspace: Path) -> None:
    expect(0, "history", "audits", "-f", "html=h.html", "-f", "csv=h.csv", "-f", "parquet=h.parquet", cwd=workspace)
    page = (workspace / "h.html").read_text()
    assert "<script" not in page
    assert ">Nobody blocked<" in page, "policies have their titles"
    assert pq.read_table(workspace / "h.parquet").num_rows == len((workspace / "h.csv").read_text().splitlines()) - 1
    shown: Ran = call("history", "audits", "--policy", "blocked", cwd=workspace)
    assert "\x1b[31m" not in shown.text
    assert "\\x1b[31m<script>" in shown.text


def test_the_audit_draws_its_curves_from_the_store(workspace: Path) -> None:
    expect(1,
        "audit", "p.yaml", "--snapshot", "audits", "--as-of", instant(4), "--history", "audits", "-f", "html=r.html",
        "-q", cwd=workspace,
    )  # fmt: skip
    assert "<polyline" in (workspace / "r.html").read_text()


def test_results_out_of_order_and_another_of_one_instant_are_refused(workspace: Path, tmp_path: Path) -> None:
    for day in (0, 1):
        call("store", "put", tmp_path / "s", f"out{1 - day}/result.json", cwd=workspace)
    again = call("store", "put", tmp_path / "s", "out0/result.json", cwd=workspace)
    assert (again.code, "store-order" in again.err) == (2, True)
    document = json.loads((workspace / "out1" / "result.json").read_text())
    document["run"]["id"] = "another"
    document["tenants"][0]["findings"].pop()
    (tmp_path / "r.json").write_text(json.dumps(document))
    other = call("store", "put", tmp_path / "s", tmp_path / "r.json", cwd=workspace)
    assert (other.code, "store-exists" in other.err) == (2, True)
    same = call("store", "put", tmp_path / "s", "out1/result.json", cwd=workspace)
    assert (same.code, "already stored" in same.err) == (0, True)


@pytest.mark.slow
def test_a_policy_that_could_not_be_evaluated_mends_nothing(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    for day, asked in enumerate([ASKED, ("id",), ASKED]):
        write(tmp_path / "snapshots", night({**TWO_PEOPLE, "users": [ANN, BLOCKED_BOB]}, day, asked=asked))
        call("audit", "p.yaml", "--snapshot", "snapshots", "--as-of", instant(day), "-f", "json", cwd=tmp_path)
        assert call("store", "put", "audits", "out/result.json", cwd=tmp_path).code == 0
    found = history(tmp_path, "--policy", "blocked")["episodes"]
    assert [(each["since"], each["until"]) for each in found] == [(instant(0), None)] * 2


def test_a_clock_of_the_past_does_not_shorten_what_stood(workspace: Path) -> None:
    expect(
        0,
        "history",
        "audits",
        "-f",
        "json",
        cwd=workspace,
        SOURCE_DATE_EPOCH=str(int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())),
    )


@pytest.mark.slow
def test_retention_takes_the_names_in_old_findings_and_leaves_their_counts(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    for day in (0, 1, 40, 80):
        write(tmp_path / "snapshots", night({**TWO_PEOPLE, "users": [ANN, BLOCKED_BOB]}, day, asked=ASKED))
        call("audit", "p.yaml", "--snapshot", "snapshots", "--as-of", instant(day), "-f", "json", cwd=tmp_path)
        assert call("store", "put", "audits", "snapshots", "out/result.json", cwd=tmp_path).code == 0
    expect(0, "store", "prune", "audits", "--keep", "10d", "--as-of", instant(81), "--delete", cwd=tmp_path)
    assert [path.name[:6] for path in sorted((tmp_path / "audits" / "contoso" / "findings").iterdir())] == ["000004"]
    found = history(tmp_path, "--policy", "blocked")["episodes"]
    assert [(each["since"], each["until"]) for each in found] == [(instant(0), None)] * 2
    assert len(history(tmp_path)["tenants"][0]["findings"]) == 4


def test_retention_takes_the_names_in_old_findings_where_only_results_are_kept(workspace: Path, tmp_path: Path) -> None:
    store = tmp_path / "results"
    assert call("store", "put", store, *(f"out{day}/result.json" for day in range(5)), cwd=workspace).code == 0
    prune = ("store", "prune", store, "--keep", "10d", "--as-of", instant(30))
    early = call("store", "prune", store, "--keep", "10d", "--delete", cwd=workspace, SOURCE_DATE_EPOCH="0")
    assert (early.code, "keep-clock" in early.err) == (2, True)
    told_first = call(*prune, "--json", cwd=workspace)
    done = call(*prune, "--tenant", "contoso", "--delete", cwd=workspace)
    assert (done.code, json.loads(told_first.out)[0]["findingsOfResults"]) == (0, [instant(day) for day in range(3)])
    assert [path.name[:6] for path in sorted((store / "contoso" / "findings").iterdir())] == ["000004", "000005"]


def test_findings_that_are_missing_are_no_answer_to_since_when(workspace: Path) -> None:
    *_, newest = sorted((workspace / "audits" / "contoso" / "findings").iterdir())
    newest.unlink()
    asked = call("history", "audits", "--policy", "blocked", cwd=workspace)
    assert (asked.code, asked.out) == (2, b"")
    assert "store-damaged" in asked.err


@pytest.mark.parametrize(
    ("span", "message"),
    [
        (("--from", "2030-01-01"), "audits has nothing after 2030-01-01T00:00:00Z"),
        (("--to", "2020-01-01"), "audits has nothing before 2020-01-01T23:59:59Z"),
    ],
)
def test_a_span_without_a_night_is_reported_as_it_was_asked(
    span: tuple[str, str], message: str, workspace: Path
) -> None:
    asked = expect(2, "history", "audits", *span, cwd=workspace)
    assert message in asked.err


@pytest.fixture(scope="module")
def whole(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The five nights and results once more: a test above takes the findings of the newest result away."""
    store = tmp_path_factory.mktemp("whole") / "audits"
    for day in range(5):
        expect(0, "store", "put", store, f"out{day}/result.json", cwd=workspace)
    expect(0, "store", "put", store, "snapshots", cwd=workspace)
    return store


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A copy of them that may be damaged."""
    return shutil.copytree(whole, tmp_path / "audits") / "contoso"


def checked(tenant: Path) -> tuple[int, str, list[dict[str, Any]]]:
    done = call("store", "check", "audits", "--json", cwd=tenant.parents[1])
    return done.code, done.err, [each for each in json.loads(done.out) if each["wrong"] is not None]


@pytest.mark.slow
def test_a_store_that_is_whole_says_so_of_nights_and_results(copy: Path) -> None:
    code, report, wrong = checked(copy)
    assert (code, wrong) == (0, [])
    assert report == "5 of 5 nights are complete\n5 of 5 results are complete\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_findings_of_a_result_that_are_gone_or_damaged_are_reported(harm: str, number: int, copy: Path) -> None:
    """Five nights from 29 January on: the fourth result begins a month, and retention may take those before it."""
    (path,) = (copy / "findings").glob(f"{number:06}-*")
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.unlink()
    code, report, wrong = checked(copy)
    if harm == "gone" and number == 1:
        assert (code, wrong) == (0, []), "as retention leaves it"
        return
    assert code == 3
    (problems,) = wrong
    assert (problems["kind"], problems["instant"]) == ("result", instant(number - 1))
    assert path.name in problems["wrong"]
    assert "4 of 5 results are complete" in report


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 5))
def test_a_result_that_is_gone_is_reported_by_the_gap_in_the_numbers(number: int, copy: Path) -> None:
    (copy / "results" / f"{number:06}.json").unlink()
    code, _, wrong = checked(copy)
    assert code == 3
    assert any(f"{number:06}.json" in each["wrong"] for each in wrong)


@pytest.mark.slow
def test_what_lies_there_without_a_commit_is_reported_and_a_store_without_results_is_whole(copy: Path) -> None:
    results = sorted((copy / "results").iterdir())
    results[4].unlink()
    assert checked(copy)[0] == 0, "as a writer leaves it that has not ended"
    for path in results[2:4]:
        path.unlink()
    assert [f"{number:06}.json" in each["wrong"] for number, each in zip((3, 4), checked(copy)[2], strict=True)] == [
        True,
        True,
    ]
    for path in results[:2]:
        path.unlink()
    code, _, (problems,) = checked(copy)
    assert code == 3
    assert "has no commit, but has findings" in problems["wrong"]
    shutil.rmtree(copy / "results")
    shutil.rmtree(copy / "findings")
    assert checked(copy)[:2] == (0, "5 of 5 nights are complete\n")
    shutil.rmtree(copy / "nights")
    code, report, (problems,) = checked(copy)
    assert (code, problems["tenant"]) == (3, "contoso")
    assert "has no commit, but has parts" in problems["wrong"]
    assert "0 of 0 nights" in report


@pytest.mark.slow
def test_names_of_findings_that_lead_elsewhere_are_refused(copy: Path) -> None:
    commit = copy / "results" / "000005.json"
    text, _, _ = commit.read_bytes().rpartition(b',"digest"')
    document = json.loads(text + b"}")
    document["events"]["name"] = "contoso/findings/../../../secret"
    commit.write_bytes(sealed(document))
    code, _, (problems,) = checked(copy)
    assert code == 3
    assert "000005.json" in problems["wrong"]


@pytest.mark.slow
def test_retention_takes_no_findings_while_newer_ones_are_missing(copy: Path) -> None:
    (path,) = (copy / "findings").glob("000005-*")
    body = path.read_bytes()
    path.unlink()
    prune = ("store", "prune", "audits", "--keep", "1d", "--as-of", instant(400), "--delete")
    before = contents(copy)
    done = call(*prune, cwd=copy.parents[1])
    assert (done.code, done.out) == (2, b"")
    assert "store-damaged" in done.err
    assert contents(copy) == before
    path.write_bytes(body)
    assert call(*prune, cwd=copy.parents[1]).code == 0
    assert checked(copy)[0] == 0
