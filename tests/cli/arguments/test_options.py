"""Options of `auditor audit`: effects, and errors that stop the program before it writes anything."""

import json
import re
import shutil
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.builders.service.command_line import AS_OF, Ran, call, contents, expect

INVALID_OPTIONS = [
    (["-f", "pdf"], "format-unknown"),
    (["-f", "JSON"], "format-unknown"),
    (["-f", ""], "format-unknown"),
    (["-f", "json="], "format-path"),
    (["-f", "json=-", "-f", "csv=-"], "format-path"),
    (["-f", "json=a", "-f", "csv=./a"], "format-path"),
    (["-f", "json=a", "-f", "csv=policies/../a"], "format-path"),
    (["-f", "json=a,csv=policies"], "format-path"),
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
    (["--as-of", "2026-11-20T12:00:00"], "has no time zone"),
    (["--as-of", "2026-02-30"], "--as-of"),
    (["--as-of", "0001-01-01T00:00:00+14:00"], "--as-of"),
    (["--as-of", "9999-12-31"], "--as-of"),
    (["--locale", "xx"], "locale-unknown"),
    (["--locale", "../../etc/passwd"], "locale-unknown"),
    (["--locale", "x" * 300], "locale-unknown"),
    (["--frobnicate"], "--frobnicate"),
    (["--output"], "--output"),
]


def audit(workspace: Path, fleet: Path, *arguments: str | Path, **environment: str) -> Ran:
    return call("audit", "--snapshot", fleet, "--as-of", AS_OF, *arguments, cwd=workspace, **environment)


def result(completed: Ran) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(completed.out)
    return document


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    INVALID_OPTIONS,
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else value,
)
def test_invalid_option_is_an_error_and_writes_nothing(
    workspace: Path, fleet: Path, arguments: list[str], message: str
) -> None:
    before = contents(workspace)
    completed = audit(workspace, fleet, *arguments)
    assert (completed.code, completed.out) == (2, b"")
    assert message in completed.err
    assert completed.err.count("error") == 1
    assert contents(workspace) == before


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
def test_invalid_environment_variable_is_an_error_and_writes_nothing(
    workspace: Path, fleet: Path, variable: str, text: str
) -> None:
    before = contents(workspace)
    completed = call("audit", "--snapshot", fleet, cwd=workspace, **{variable: text})
    assert (completed.code, completed.out) == (2, b"")
    assert text in completed.err
    assert contents(workspace) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("threshold", "code"), [("critical", 0), ("high", 0), ("medium", 1), ("low", 1), ("info", 1), ("never", 0)]
)
def test_fail_on_sets_the_exit_code_for_every_severity(workspace: Path, fleet: Path, threshold: str, code: int) -> None:
    assert audit(workspace, fleet, "-f", "json=-", "--fail-on", threshold).code == code
    assert audit(workspace, fleet, "-f", "json=-", AUDITOR_FAIL_ON=threshold).code == code


@pytest.mark.slow
def test_option_overrides_environment_variable(workspace: Path, fleet: Path) -> None:
    assert audit(workspace, fleet, "-f", "json=-", "--fail-on", "never", AUDITOR_FAIL_ON="info").code == 0
    assert audit(workspace, fleet, "-f", "json=-", "--fail-on", "high", AUDITOR_FAIL_ON="info").code == 0, "the default"
    assert audit(workspace, fleet, AUDITOR_FORMAT="csv, json", AUDITOR_OUTPUT="elsewhere").code == 0
    assert {path.name for path in (workspace / "elsewhere").iterdir()} == {"findings.csv", "result.json", "tenants"}
    assert (
        audit(workspace, fleet, "-f", "csv", "-o", "flag", AUDITOR_FORMAT="json", AUDITOR_OUTPUT="elsewhere").code == 0
    )
    assert contents(workspace / "flag").keys() == {"findings.csv"}
    audit(workspace, fleet, "-o", "out", "-f", "html,json,terminal", AUDITOR_OUTPUT="other", AUDITOR_FORMAT="csv")
    assert ((workspace / "out" / "report.html").exists(), (workspace / "other").exists()) == (True, False)


@pytest.mark.slow
def test_incomplete_audit_exits_with_3_for_every_threshold(workspace: Path, fleet: Path) -> None:
    (workspace / "policies" / "more.yaml").write_text(
        "version: 1\npolicies: [{id: m, severity: info, budget: {limit: 1}}]\n"
    )
    for threshold in ("info", "never"):
        completed = audit(workspace, fleet, "-f", "json=-", "--fail-on", threshold)
        assert completed.code == 3
        assert result(completed)["summary"]["notEvaluated"] == 2


@pytest.mark.slow
def test_policy_files_may_be_given_before_and_after_options(workspace: Path, fleet: Path) -> None:
    (workspace / "b.yaml").write_text("version: 1\npolicies: [{id: b, severity: low, purchases: {unknown: deny}}]\n")
    completed = call(
        "audit", "policies", "--snapshot", fleet, "b.yaml", "--as-of", AS_OF, "-f", "json=-", cwd=workspace
    )
    assert [policy["id"] for policy in result(completed)["run"]["policies"]] == ["b", "leavers", "spare"]


@pytest.mark.slow
def test_each_format_is_written_to_its_path(workspace: Path, fleet: Path) -> None:
    completed = audit(workspace, fleet, "-o", "o", "-f", "json=deep/down/r.json", "-f", "csv", "-f", "ndjson=-")
    assert set(contents(workspace)) - {"policies", "policies/people.yaml"} == {
        "deep", "deep/down", "deep/down/r.json", "o", "o/findings.csv"
    }  # fmt: skip
    assert all(json.loads(line) for line in completed.out.splitlines())


@pytest.mark.slow
def test_csv_bom_option_adds_a_byte_order_mark_to_csv_only(workspace: Path, fleet: Path) -> None:
    def table(*arguments: str, **environment: str) -> bytes:
        return audit(workspace, fleet, "-f", "csv=-", *arguments, **environment).out

    without_bom = table()
    assert without_bom.startswith(b"tenant,")
    assert table("--csv-bom") == table(AUDITOR_CSV_BOM="yes") == b"\xef\xbb\xbf" + without_bom
    assert table(AUDITOR_CSV_BOM="no") == without_bom
    assert audit(workspace, fleet, "-q", "-f", "csv,json,ndjson", "--csv-bom").code == 0
    files = {
        name: (workspace / "out" / name).read_bytes() for name in ("findings.csv", "result.json", "findings.ndjson")
    }
    assert [name for name, body in files.items() if body.startswith(b"\xef\xbb\xbf")] == ["findings.csv"]
    report = ("report", "out/result.json", "-q", "-o", "again", "-f", "csv")
    assert call(*report, "--csv-bom", cwd=workspace).code == 0
    assert (workspace / "again" / "findings.csv").read_bytes() == files["findings.csv"]
    assert call(*report, cwd=workspace).code == 0
    assert b"\xef\xbb\xbf" + (workspace / "again" / "findings.csv").read_bytes() == files["findings.csv"]


@pytest.mark.slow
def test_store_and_history_may_be_the_same_path_from_the_first_audit(workspace: Path, fleet: Path) -> None:
    def night(day: str) -> Ran:
        options = ("--history", "audits", "--store", "audits", "-f", "html,terminal", "--fail-on", "never")
        return call("audit", "--snapshot", fleet, "--as-of", f"{day}T12:00:00Z", *options, cwd=workspace)

    first = night("2026-11-20")
    assert (first.code, "history" in first.err) == (0, False), first.err
    assert "open findings" in first.text
    assert b"Over time" not in (workspace / "out" / "report.html").read_bytes()
    second = night("2026-11-21")
    assert second.code == 0, second.err
    assert b"Over time" in (workspace / "out" / "report.html").read_bytes()


@pytest.mark.parametrize("text", ["2026-11-20T12:00:00Z", "2026-11-20T13:00:00+01:00", "2026-11-20t12:00:00z"])
def test_as_of_is_stored_in_utc(workspace: Path, fleet: Path, text: str) -> None:
    completed = call("audit", "--snapshot", fleet, "--as-of", text, "-f", "json=-", cwd=workspace)
    assert result(completed)["run"]["asOf"] == "2026-11-20T12:00:00Z"


@pytest.mark.slow
def test_source_date_epoch_is_the_default_of_as_of(workspace: Path, fleet: Path) -> None:
    completed = call("audit", "--snapshot", fleet, "-f", "json=-", cwd=workspace, SOURCE_DATE_EPOCH="1795176000")
    assert result(completed)["run"]["asOf"] == "2026-11-20T12:00:00Z"
    completed = audit(workspace, fleet, "-f", "json=-", SOURCE_DATE_EPOCH="1")
    assert result(completed)["run"]["asOf"] == "2026-11-20T12:00:00Z"


@pytest.mark.slow
def test_tenant_and_shard_options_select_tenants(workspace: Path, fleet: Path) -> None:
    def names(*arguments: str) -> list[str]:
        return [tenant["name"] for tenant in result(audit(workspace, fleet, "-f", "json=-", *arguments))["tenants"]]

    assert names() == ["contoso", "fabrikam"]
    assert names("--tenant", "fabrikam", "--tenant", "fabrikam") == ["fabrikam"]
    shards = [names("--shard", f"{number}/3") for number in (1, 2, 3)]
    assert sorted(chain(*shards)) == ["contoso", "fabrikam"]
    assert shards == [names("--shard", f"{number}/3") for number in (1, 2, 3)]


@pytest.mark.slow
def test_two_different_snapshots_of_one_tenant_are_an_error(workspace: Path, fleet: Path, tmp_path: Path) -> None:
    paths = ("--snapshot", fleet, "--snapshot", fleet / "contoso")
    expect(0, "audit", *paths, "-f", "json=-", "--as-of", AS_OF, cwd=workspace)
    copy = Path(shutil.copytree(fleet / "contoso", tmp_path / "again"))
    before = contents(workspace)
    completed = audit(workspace, fleet, "--snapshot", copy)
    assert (completed.code, contents(workspace)) == (2, before)
    assert "snapshot-twice" in completed.err


@pytest.mark.slow
def test_compare_marks_new_unchanged_and_fixed_findings(workspace: Path, fleet: Path) -> None:
    assert audit(workspace, fleet, "-f", "json=before.json", "--tenant", "contoso").code == 0
    policy = workspace / "policies" / "people.yaml"
    policy.write_text(policy.read_text().replace("allow: []", "allow: [SPE_E3]").replace("min: 1", "min: 5"))
    after = result(audit(workspace, fleet, "-f", "json=-", "--tenant", "contoso", "--compare", "before.json"))[
        "tenants"
    ][0]
    before = json.loads((workspace / "before.json").read_text())["tenants"][0]
    previous = {finding["fingerprint"] for finding in before["findings"]}
    changes = {finding["fingerprint"]: finding["change"] for finding in after["findings"]}
    assert {
        fingerprint for fingerprint, change in changes.items() if change == "unchanged"
    } == previous & changes.keys()
    assert {fingerprint for fingerprint, change in changes.items() if change == "new"} == changes.keys() - previous
    assert {finding["fingerprint"] for finding in after["fixed"]} == previous - changes.keys()
    assert previous - changes.keys()
    assert changes.keys() - previous


@pytest.mark.slow
def test_comparing_with_a_later_result_is_an_error(workspace: Path, fleet: Path) -> None:
    assert audit(workspace, fleet, "-f", "json=later.json").code == 0
    completed = call("audit", "--snapshot", fleet, "--as-of", "2026-11-20", "--compare", "later.json", cwd=workspace)
    assert (completed.code, completed.out) == (2, b"")
    assert "compare-order" in completed.err
    assert "which is from 2026-11-20T00:00:00Z" in completed.err
    assert not (workspace / "out").exists()


@pytest.mark.slow
def test_quiet_prints_nothing_and_verbose_prints_progress(workspace: Path, fleet: Path) -> None:
    quiet = audit(workspace, fleet, "-q")
    assert (quiet.out, quiet.err) == (b"", "")
    verbose = audit(workspace, fleet, "-v")
    assert "contoso" in verbose.err
    assert b"open finding" in verbose.out


@pytest.mark.slow
def test_no_color_and_force_color_control_colours(workspace: Path, fleet: Path) -> None:
    def coloured(*arguments: str, **environment: str) -> bool:
        """Return whether the output contains a foreground colour; bold does not count."""
        out = audit(workspace, fleet, "-f", "terminal", *arguments, **environment).text
        return re.search("\x1b\\[[0-9;]*3[0-9]", out) is not None

    assert not coloured()
    assert coloured(FORCE_COLOR="1")
    assert not coloured("--no-color", FORCE_COLOR="1")
    assert not coloured(NO_COLOR="1")
    errors = [
        audit(workspace, fleet, "-f", "pdf", **environment).err
        for environment in ({"FORCE_COLOR": "1"}, {}, {"NO_COLOR": "1"})
    ]
    assert ["\x1b[" in text for text in errors] == [True, False, False]


@pytest.mark.parametrize("command", ["collect", "doctor", "plan"])
def test_other_commands_print_errors_without_colour_if_asked(command: str, tmp_path: Path) -> None:
    def error(*arguments: str) -> str:
        return expect(2, command, "--locale", "zz_@@", *arguments, cwd=tmp_path, FORCE_COLOR="1").err

    assert "\x1b[" in error()
    assert "\x1b[" not in error("--no-color")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["C", "nl_NL.UTF-8", "nl_NL@euro", "zz_ZZ", "../../etc/passwd", "C.UTF-8"])
def test_any_system_locale_is_accepted_and_unknown_ones_give_english(workspace: Path, fleet: Path, name: str) -> None:
    completed = audit(workspace, fleet, "-f", "html", LANG=name)
    assert completed.code == 0, completed.err
    language = re.search('<html[^>]* lang="([^"]*)"', (workspace / "out" / "report.html").read_text())
    assert language is not None
    assert language[1].partition("-")[0] == ("nl" if name.startswith("nl") else "en")


@pytest.mark.parametrize(
    "arguments", [[], ["frobnicate"], ["-v"], ["-o", "audit"], ["audit"], ["schema", "frobnicate"], ["--nothing"]]
)
def test_invalid_command_line_is_an_error_and_writes_nothing(tmp_path: Path, arguments: list[str]) -> None:
    completed = call(*arguments, cwd=tmp_path)
    assert (completed.code, completed.out) == (2, b"")
    assert completed.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [("--locale", "nl"), ("--locale=nl",), ("-v", "--locale", "nl")])
def test_options_may_be_given_before_the_command(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert expect(0, *options, "schema", "--list", cwd=tmp_path).text.splitlines()[0] == "decisions"
    assert "fout[schema-unknown]" in expect(2, *options, "schema", "frobnicate", cwd=tmp_path).err
    assert expect(0, "--locale", "nl", "--help", cwd=tmp_path).text.startswith("gebruik: auditor COMMAND")
    assert "keuze: 'frobnicate'" in expect(2, *options, "frobnicate", "schema", cwd=tmp_path).err


@pytest.mark.parametrize("command", [("audit", "--demo"), ("collect",), ("products", "update", "table.csv")])
def test_output_that_cannot_be_stdout_is_refused(tmp_path: Path, command: tuple[str, ...]) -> None:
    completed = call(*command, "--output", "-", cwd=tmp_path)
    assert (completed.code, completed.out, list(tmp_path.iterdir())) == (2, b"", [])
    assert "this cannot be written to stdout: specify a path instead of '-'" in completed.err


@pytest.mark.parametrize(
    "command",
    [
        ("waive", "6637f361", "--until", "2027-01-31", "--reason", "x"),
        ("decide", "a.csv", "--by", "ann@contoso.example"),
    ],
)
def test_file_that_cannot_be_stdout_is_refused(tmp_path: Path, command: tuple[str, ...]) -> None:
    completed = expect(2, *command, "--file", "-", cwd=tmp_path)
    assert "argument --file: this cannot be written to stdout" in completed.err
