"""Options of `auditor audit`: each does what it says, and a wrong one stops the program before anything is done."""

import json
import re
import shutil
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.builders.service.command_line import AS_OF, Ran, call, contents, expect

WRONG = [
    (["-f", "pdf"], "format-unknown"),
    (["-f", "JSON"], "format-unknown"),
    (["-f", ""], "format-unknown"),
    (["-f", "json="], "format-path"),
    (["-f", "json=-", "-f", "csv=-"], "format-path"),
    (["-f", "json=a", "-f", "csv=./a"], "format-path"),
    (["-f", "json=a", "-f", "csv=policies/../a"], "format-path"),
    (["-f", "json=policies"], "format-path"),
    (["-f", "csv=c.csv", "-f", "json=policies"], "format-path"),
    (["-f", "json=" + "n" * 300], "format-path"),
    (["-o", "policies/people.yaml"], "format-path"),
    (["-o", "policies/people.yaml/deeper"], "format-path"),
    (["--tenant", "nobody"], "tenant-unknown"),
    (["--tenant", "contoso", "--tenant", "Contoso"], "tenant-unknown"),
    (["--demo"], "usage"),
    (["--tenants", "tenants.yaml"], "usage"),
    (["--compare", "nothing.json"], "result-unreadable"),
    (["--compare", "policies"], "result-unreadable"),
    (["--compare", "policies/people.yaml"], "result-damaged"),
    (["--history", "nothing"], "history-missing"),
    (["nothing.yaml"], "policies-missing"),
    (["policies/people.yaml", "nothing.yaml"], "policies-missing"),
    (["--shard", "0/3"], "--shard"),
    (["--shard", "4/3"], "--shard"),
    (["--shard", "1"], "--shard"),
    (["--shard", "²/3"], "--shard"),
    (["--shard", "1/" + "9" * 5000], "--shard"),
    (["--fail-on", "urgent"], "--fail-on"),
    (["--fail-on", "HIGH"], "--fail-on"),
    (["--fail-on", "new:never"], "--fail-on"),
    (["--fail-on", "old:high"], "--fail-on"),
    (["--as-of", "yesterday"], "--as-of"),
    (["--as-of", "2026-11-20T12:00:00"], "no zone"),
    (["--as-of", "2026-02-30"], "--as-of"),
    (["--as-of", "0001-01-01T00:00:00+14:00"], "--as-of"),
    (["--as-of", "9999-12-31"], "--as-of"),
    (["--locale", "xx"], "locale-unknown"),
    (["--locale", "../../etc/passwd"], "locale-unknown"),
    (["--locale", "x" * 300], "locale-unknown"),
    (["--frobnicate"], "--frobnicate"),
    (["--output"], "--output"),
]


def audit(here: Path, saved: Path, *more: str | Path, **environment: str) -> Ran:
    return call("audit", "--snapshot", saved, "--as-of", AS_OF, *more, cwd=here, **environment)


def result(ran: Ran) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ran.out)
    return document


@pytest.mark.parametrize(
    ("arguments", "message"), WRONG, ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else value
)
def test_a_wrong_option_is_reported_before_anything_is_done(
    here: Path, saved: Path, arguments: list[str], message: str
) -> None:
    before = contents(here)
    ran = audit(here, saved, *arguments)
    assert (ran.code, ran.out) == (2, b"")
    assert message in ran.err
    assert ran.err.count("error") == 1
    assert contents(here) == before


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("AUDITOR_FAIL_ON", "urgent"),
        ("AUDITOR_FORMAT", "pdf"),
        ("SOURCE_DATE_EPOCH", "soon"),
        ("SOURCE_DATE_EPOCH", "-1"),
        ("SOURCE_DATE_EPOCH", "999999999999999"),
        ("AUDITOR_PRODUCTS", "nothing.json"),
    ],
)
def test_a_wrong_variable_is_reported_before_anything_is_done(
    here: Path, saved: Path, variable: str, text: str
) -> None:
    before = contents(here)
    ran = call("audit", "--snapshot", saved, cwd=here, **{variable: text})
    assert (ran.code, ran.out) == (2, b"")
    assert text in ran.err
    assert contents(here) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("threshold", "code"), [("critical", 0), ("high", 0), ("medium", 1), ("low", 1), ("info", 1), ("never", 0)]
)
def test_fail_on_every_severity(here: Path, saved: Path, threshold: str, code: int) -> None:
    assert audit(here, saved, "-f", "json=-", "--fail-on", threshold).code == code
    assert audit(here, saved, "-f", "json=-", AUDITOR_FAIL_ON=threshold).code == code


@pytest.mark.slow
def test_a_flag_goes_before_the_environment(here: Path, saved: Path) -> None:
    assert audit(here, saved, "-f", "json=-", "--fail-on", "never", AUDITOR_FAIL_ON="info").code == 0
    assert audit(here, saved, "-f", "json=-", "--fail-on", "high", AUDITOR_FAIL_ON="info").code == 0, "the default"
    assert audit(here, saved, AUDITOR_FORMAT="csv, json", AUDITOR_OUTPUT="elsewhere").code == 0
    assert {path.name for path in (here / "elsewhere").iterdir()} == {"findings.csv", "result.json", "tenants"}
    assert audit(here, saved, "-f", "csv", "-o", "flag", AUDITOR_FORMAT="json", AUDITOR_OUTPUT="elsewhere").code == 0
    assert contents(here / "flag").keys() == {"findings.csv"}
    audit(here, saved, "-o", "out", "-f", "html,json,terminal", AUDITOR_OUTPUT="other", AUDITOR_FORMAT="csv")
    assert ((here / "out" / "report.html").exists(), (here / "other").exists()) == (True, False)


@pytest.mark.slow
def test_what_is_incomplete_is_neither_good_nor_bad(here: Path, saved: Path) -> None:
    (here / "policies" / "more.yaml").write_text(
        "version: 1\npolicies: [{id: m, severity: info, budget: {limit: 1}}]\n"
    )
    for threshold in ("info", "never"):
        ran = audit(here, saved, "-f", "json=-", "--fail-on", threshold)
        assert ran.code == 3
        assert result(ran)["summary"]["notEvaluated"] == 2


def test_files_may_stand_anywhere_on_the_line(here: Path, saved: Path) -> None:
    (here / "b.yaml").write_text("version: 1\npolicies: [{id: b, severity: low, purchases: {unknown: deny}}]\n")
    ran = call("audit", "policies", "--snapshot", saved, "b.yaml", "--as-of", AS_OF, "-f", "json=-", cwd=here)
    assert [policy["id"] for policy in result(ran)["run"]["policies"]] == ["b", "leavers", "spare"]


def test_formats_go_where_they_are_sent(here: Path, saved: Path) -> None:
    ran = audit(here, saved, "-o", "o", "-f", "json=deep/down/r.json", "-f", "csv", "-f", "ndjson=-")
    assert set(contents(here)) - {"policies", "policies/people.yaml"} == {
        "deep", "deep/down", "deep/down/r.json", "o", "o/findings.csv"
    }  # fmt: skip
    assert all(json.loads(line) for line in ran.out.splitlines())


@pytest.mark.slow
def test_excel_gets_its_mark_when_it_is_asked_for(here: Path, saved: Path) -> None:
    def table(*arguments: str, **environment: str) -> bytes:
        return audit(here, saved, "-f", "csv=-", *arguments, **environment).out

    bare = table()
    assert bare.startswith(b"tenant,")
    assert table("--csv-bom") == table(AUDITOR_CSV_BOM="yes") == b"\xef\xbb\xbf" + bare
    assert table(AUDITOR_CSV_BOM="no") == bare
    assert audit(here, saved, "-q", "-f", "csv,json,ndjson", "--csv-bom").code == 0
    files = {name: (here / "out" / name).read_bytes() for name in ("findings.csv", "result.json", "findings.ndjson")}
    assert [name for name, body in files.items() if body.startswith(b"\xef\xbb\xbf")] == ["findings.csv"]
    again = ("report", "out/result.json", "-q", "-o", "again", "-f", "csv")
    assert call(*again, "--csv-bom", cwd=here).code == 0
    assert (here / "again" / "findings.csv").read_bytes() == files["findings.csv"]
    assert call(*again, cwd=here).code == 0
    assert b"\xef\xbb\xbf" + (here / "again" / "findings.csv").read_bytes() == files["findings.csv"]


@pytest.mark.slow
def test_a_store_may_be_its_own_history_from_the_first_night(here: Path, saved: Path) -> None:
    def night(day: str) -> Ran:
        options = ("--history", "audits", "--store", "audits", "-f", "html,terminal", "--fail-on", "never")
        return call("audit", "--snapshot", saved, "--as-of", f"{day}T12:00:00Z", *options, cwd=here)

    first = night("2026-11-20")
    assert (first.code, "history" in first.err) == (0, False), first.err
    assert "open findings" in first.text
    assert b"Over time" not in (here / "out" / "report.html").read_bytes()
    second = night("2026-11-21")
    assert second.code == 0, second.err
    assert b"Over time" in (here / "out" / "report.html").read_bytes()


@pytest.mark.slow
def test_reports_replace_those_of_the_run_before(here: Path, saved: Path) -> None:
    for _ in range(2):
        assert audit(here, saved, "-f", "json").code == 0
    assert contents(here / "out").keys() == {"result.json", "tenants", "tenants/contoso.json", "tenants/fabrikam.json"}


@pytest.mark.parametrize("text", ["2026-11-20T12:00:00Z", "2026-11-20T13:00:00+01:00", "2026-11-20t12:00:00z"])
def test_the_instant_is_kept_in_utc(here: Path, saved: Path, text: str) -> None:
    ran = call("audit", "--snapshot", saved, "--as-of", text, "-f", "json=-", cwd=here)
    assert result(ran)["run"]["asOf"] == "2026-11-20T12:00:00Z"


@pytest.mark.slow
def test_source_date_epoch_is_the_instant_unless_a_flag_says_otherwise(here: Path, saved: Path) -> None:
    ran = call("audit", "--snapshot", saved, "-f", "json=-", cwd=here, SOURCE_DATE_EPOCH="1795176000")
    assert result(ran)["run"]["asOf"] == "2026-11-20T12:00:00Z"
    ran = audit(here, saved, "-f", "json=-", SOURCE_DATE_EPOCH="1")
    assert result(ran)["run"]["asOf"] == "2026-11-20T12:00:00Z"


@pytest.mark.slow
def test_tenants_can_be_chosen(here: Path, saved: Path) -> None:
    def names(*arguments: str) -> list[str]:
        return [tenant["name"] for tenant in result(audit(here, saved, "-f", "json=-", *arguments))["tenants"]]

    assert names() == ["contoso", "fabrikam"]
    assert names("--tenant", "fabrikam", "--tenant", "fabrikam") == ["fabrikam"]
    parts = [names("--shard", f"{part}/3") for part in (1, 2, 3)]
    assert sorted(chain(*parts)) == ["contoso", "fabrikam"]
    assert parts == [names("--shard", f"{part}/3") for part in (1, 2, 3)]


def test_the_same_tenant_may_come_from_one_place_only(here: Path, saved: Path, tmp_path: Path) -> None:
    ran = expect(
        0,
        "audit",
        "--snapshot",
        saved,
        "--snapshot",
        saved / "contoso",
        "-f",
        "json=-",
        "--as-of",
        AS_OF,
        cwd=here,
    )
    again = Path(shutil.copytree(saved / "contoso", tmp_path / "again"))
    before = contents(here)
    ran = audit(here, saved, "--snapshot", again)
    assert (ran.code, contents(here)) == (2, before)
    assert "snapshot-twice" in ran.err


def test_a_comparison_says_what_is_new_and_what_is_fixed(here: Path, saved: Path) -> None:
    assert audit(here, saved, "-f", "json=before.json", "--tenant", "contoso").code == 0
    policy = here / "policies" / "people.yaml"
    policy.write_text(policy.read_text().replace("allow: []", "allow: [SPE_E3]").replace("min: 1", "min: 5"))
    after = result(audit(here, saved, "-f", "json=-", "--tenant", "contoso", "--compare", "before.json"))["tenants"][0]
    before = json.loads((here / "before.json").read_text())["tenants"][0]
    old = {finding["fingerprint"] for finding in before["findings"]}
    new = {finding["fingerprint"]: finding["change"] for finding in after["findings"]}
    assert {mark for mark, change in new.items() if change == "unchanged"} == old & new.keys()
    assert {mark for mark, change in new.items() if change == "new"} == new.keys() - old
    assert {finding["fingerprint"] for finding in after["fixed"]} == old - new.keys()
    assert old - new.keys()
    assert new.keys() - old


@pytest.mark.slow
def test_a_later_run_cannot_be_the_previous_one(here: Path, saved: Path) -> None:
    assert audit(here, saved, "-f", "json=later.json").code == 0
    ran = call("audit", "--snapshot", saved, "--as-of", "2026-11-20", "--compare", "later.json", cwd=here)
    assert (ran.code, ran.out) == (2, b"")
    assert "compare-order" in ran.err
    assert not (here / "out").exists()


@pytest.mark.slow
def test_quiet_says_nothing_and_verbose_says_more(here: Path, saved: Path) -> None:
    quiet = audit(here, saved, "-q")
    assert (quiet.out, quiet.err) == (b"", "")
    verbose = audit(here, saved, "-v")
    assert "contoso" in verbose.err
    assert b"open finding" in verbose.out


@pytest.mark.slow
def test_colour_is_a_matter_of_taste(here: Path, saved: Path) -> None:
    def coloured(*arguments: str, **environment: str) -> bool:
        """Whether anything is red, yellow or green; bold is no colour."""
        out = audit(here, saved, "-f", "terminal", *arguments, **environment).text
        return re.search("\x1b\\[[0-9;]*3[0-9]", out) is not None

    assert not coloured()
    assert coloured(FORCE_COLOR="1")
    assert not coloured("--no-color", FORCE_COLOR="1")
    assert not coloured(NO_COLOR="1")
    wrong = [audit(here, saved, "-f", "pdf", **more).err for more in ({"FORCE_COLOR": "1"}, {}, {"NO_COLOR": "1"})]
    assert ["\x1b[" in text for text in wrong] == [True, False, False]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["C", "nl_NL.UTF-8", "nl_NL@euro", "zz_ZZ", "../../etc/passwd", "C.UTF-8"])
def test_no_machine_has_a_language_that_stops_an_audit(here: Path, saved: Path, name: str) -> None:
    ran = audit(here, saved, "-f", "html", LANG=name)
    assert ran.code == 0, ran.err
    language = re.search('<html[^>]* lang="([^"]*)"', (here / "out" / "report.html").read_text())
    assert language is not None
    assert language[1].partition("-")[0] == ("nl" if name.startswith("nl") else "en")


@pytest.mark.parametrize("command", ["audit", "validate", "test", "collect", "doctor", "report", "schema", "products"])
def test_every_command_has_help(tmp_path: Path, command: str) -> None:
    ran = call(command, "--help", cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.text.startswith(f"usage: auditor {command}")


@pytest.mark.parametrize(
    "arguments", [[], ["frobnicate"], ["-v"], ["-o", "audit"], ["audit"], ["schema", "frobnicate"], ["--nothing"]]
)
def test_what_is_no_command_line_says_what_is(tmp_path: Path, arguments: list[str]) -> None:
    ran = call(*arguments, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, b"")
    assert ran.err
    assert not list(tmp_path.iterdir())
