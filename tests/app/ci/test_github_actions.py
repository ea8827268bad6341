"""Job summary, annotations and outputs of GitHub Actions, also with hostile texts from tenants and policies."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.deliver.github.actions import (
    SUMMARY_LIMIT,
    Annotation,
    AnnotationType,
    annotation_lines,
    append_outputs,
    append_summary,
    truncated_lines,
)
from auditor.domain.errors import DeliveryError
from auditor.snapshot.writer import write
from tests.builders.document.policy_documents import DENIED_TO_LEAVERS
from tests.builders.service.command_line import AS_OF, call, expect
from tests.builders.service.job_log import job_environment
from tests.builders.tenant.plan_tenants import E3, grant, snapshot, user


def outputs(path: Path) -> dict[str, str]:
    """Parse an output file like the runner: `name<<delimiter`, lines, `delimiter`; the last value of a name is used."""
    values = {}
    lines = iter(path.read_text(encoding="utf-8").split("\n"))
    for header in lines:
        if header:
            name, _, delimiter = header.partition("<<")
            assert delimiter, header
            values[name] = "\n".join(iter(lambda: next(lines), delimiter))
    return values


def remainder(count: int) -> Annotation:
    return Annotation(type=AnnotationType.NOTICE, title="rest", message=f"and {count} more")


def test_ten_annotations_per_type_are_written_and_the_others_counted() -> None:
    annotations = [
        Annotation(type=kind, title="t", message=str(number))
        for number in range(12)
        for kind in reversed(AnnotationType)
    ]
    lines = list(annotation_lines(annotations, remainder))
    kinds = [line.split(" ")[0] for line in lines]
    assert kinds == ["::error"] * 10 + ["::warning"] * 10 + ["::notice"] * 10
    assert lines[-1].endswith("::and 7 more")
    assert lines[0].endswith("::0")
    assert len(list(annotation_lines(annotations[:9], remainder))) == 9


@pytest.mark.slow
@given(st.text(), st.text(), st.text())
def test_annotation_is_one_line_with_escaped_properties(title: str, message: str, file: str) -> None:
    (line,) = annotation_lines(
        [Annotation(type=AnnotationType.ERROR, title=title, message=message[:500], file=file, line=7)], remainder
    )
    assert "\n" not in line
    assert "\r" not in line
    match = re.fullmatch(r"::error file=([^:,]*),line=7,title=([^:,]*)::(.*)", line, re.DOTALL)
    assert match
    assert [unescaped(group) for group in match.groups()] == [file, title, message[:500]]


def unescaped(text: str) -> str:
    for code, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def test_output_value_cannot_set_another_output(tmp_path: Path) -> None:
    values = {"report": "a\nexit-code<<EOF\n0\nEOF", "sarif": "", "exit-code": "3"}
    append_outputs(tmp_path / "output", values)
    append_outputs(tmp_path / "output", {"exit-code": "1"})
    assert outputs(tmp_path / "output") == values | {"exit-code": "1"}


@pytest.mark.slow
def test_summary_is_cut_between_rows_at_the_limit_of_the_step(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    rows = "".join(f"- çok {number}\n" for number in range(60_000))
    append_summary(path, rows, notice="cut")
    append_summary(path, rows, notice="cut")
    append_summary(path, rows, notice="cut")
    text = path.read_text(encoding="utf-8")
    assert SUMMARY_LIMIT - 100 < path.stat().st_size <= SUMMARY_LIMIT
    assert text.endswith("\ncut\n")
    assert set(text.splitlines()) - {"", "cut"} <= set(rows.splitlines())


def test_cut_summary_has_no_open_elements() -> None:
    cut = truncated_lines("<details>\n" + "- row\n" * 100 + "</details>\n", 200, notice="cut").decode()
    assert cut.count("<details>") == cut.count("</details>") == 1
    assert len(cut) <= 200
    assert truncated_lines("row\n" * 100, 3, notice="cut") == b""


def test_output_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="GITHUB_OUTPUT"):
        append_outputs(tmp_path, {"a": "b"})


@pytest.mark.slow
def test_audit_in_a_job_writes_outputs_summary_and_annotations(tmp_path: Path) -> None:
    job = job_environment(tmp_path)
    completed = expect(1, "audit", "--demo", "--as-of", AS_OF, "-q", "-f", "json", "-f", "html", cwd=tmp_path, **job)
    values = outputs(tmp_path / "output")
    assert values["exit-code"] == "1"
    assert values["result"] == str(Path("out/result.json"))
    assert values["sarif"] == ""
    assert int(values["findings"]) > 0
    assert values["highest-severity"] in {"critical", "high"}
    assert (tmp_path / "summary").read_text(encoding="utf-8").startswith("# ")
    assert "::error " in completed.text
    assert "@" not in completed.text
    assert "@" not in (tmp_path / "output").read_text(encoding="utf-8")


@pytest.mark.slow
def test_annotations_and_issues_have_the_no_break_spaces_of_amounts_as_spaces(tmp_path: Path) -> None:
    job = job_environment(tmp_path)
    audit = call("audit", "--demo", "--as-of", AS_OF, "-q", "-f", "json", "--locale", "da", cwd=tmp_path, **job)
    assert "title=Licenser koster højst 11.000 € om måneden " in audit.text
    issues = ("issues", "out/result.json", "--repository", "o/r", "--dry-run", "-v", "--locale", "da")
    dry_run = call(*issues, cwd=tmp_path)
    assert "har mere end 10 % af sine" in dry_run.text + dry_run.err
    assert "xa0" not in audit.text + audit.err + dry_run.text + dry_run.err


@pytest.mark.slow
def test_annotations_go_to_stderr_if_a_report_is_on_stdout(tmp_path: Path) -> None:
    completed = call(
        "audit", "--demo", "--as-of", AS_OF, "-q", "-f", "ndjson=-", cwd=tmp_path, **job_environment(tmp_path)
    )
    assert "::error" not in completed.text
    assert "::error" in completed.err


@pytest.mark.slow
@pytest.mark.parametrize("value", ["", "false"])
def test_audit_outside_of_a_job_writes_no_annotations(value: str, tmp_path: Path) -> None:
    environment = {**job_environment(tmp_path), "GITHUB_ACTIONS": value}
    completed = expect(1, "audit", "--demo", "--as-of", AS_OF, "-q", "-f", "json", cwd=tmp_path, **environment)
    assert completed.out == b""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.slow
@pytest.mark.parametrize("value", ["", "false"])
def test_incomplete_audit_outside_of_a_job_prints_what_is_missing(value: str, tmp_path: Path) -> None:
    (tmp_path / "budget.yaml").write_text("version: 1\npolicies: [{id: m, severity: info, budget: {limit: 1}}]\n")
    completed = call("audit", "budget.yaml", "--demo", "-q", "-f", "json", cwd=tmp_path, GITHUB_ACTIONS=value)
    assert (completed.code, "[audit-incomplete]" in completed.err) == (3, True)


def test_policy_error_is_an_annotation_of_its_line(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "seats.yaml").write_text(
        "version: 1\npolicies:\n  - id: x\n    severity: hihg\n", encoding="utf-8"
    )
    completed = expect(2, "validate", cwd=tmp_path, **job_environment(tmp_path))
    assert re.search(
        r"^::error file=policies/seats.yaml,line=\d,title=auditor%3A [a-z-]+::", completed.err, re.MULTILINE
    )


def test_policy_error_has_the_no_break_spaces_of_its_language_as_spaces(tmp_path: Path) -> None:
    policy = "version: 1\npolicies: [{id: x, severity: low, seats: {of: paid, spare: {max: 200%}}}]\n"
    (tmp_path / "seats.yaml").write_text(policy, encoding="utf-8")
    completed = expect(2, "validate", "seats.yaml", "--locale", "da", cwd=tmp_path, **job_environment(tmp_path))
    assert "skal ligge mellem 0 % og 100 %," in completed.err
    assert "::'max' skal ligge mellem 0 %25 og 100 %25," in completed.err, "the annotation, percent-encoded"


@pytest.mark.slow
def test_annotation_says_in_which_tenant_findings_are_new(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(DENIED_TO_LEAVERS, encoding="utf-8")
    compare: tuple[str, ...] = ()
    for night, numbers in enumerate(((1, 1), (1, 2))):
        for name, count in zip(("t1", "t2"), numbers, strict=True):
            people = [user(f"p{person}", grant(E3), accountEnabled=False) for person in range(count)]
            write(tmp_path / str(night), snapshot(people, {E3: count}, name=name))
        run = ("audit", "rules.yaml", "--snapshot", str(night), "--as-of", AS_OF, "-f", "json", "--fail-on", "never")
        completed = expect(0, *run, *compare, cwd=tmp_path, **job_environment(tmp_path))
        compare = ("--compare", "out/result.json")
    assert "3 open findings of leavers: t1: 1, t2: 2 (1 new)" in completed.text
