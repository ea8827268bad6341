"""Summary, annotations and outputs: what a job reads, and what hostile text in a tenant or a policy cannot do to it."""

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
    fitted,
)
from auditor.domain.errors import DeliveryError
from tests.builders.service.command_line import AS_OF, call


def outputs(path: Path) -> dict[str, str]:
    """What the runner would read: `name<<mark`, lines, `mark`; the last of a name counts."""
    found = {}
    lines = iter(path.read_text(encoding="utf-8").split("\n"))
    for head in lines:
        if head:
            name, _, mark = head.partition("<<")
            assert mark, head
            found[name] = "\n".join(iter(lambda: next(lines), mark))
    return found


def rest(count: int) -> Annotation:
    return Annotation(type=AnnotationType.NOTICE, title="rest", message=f"and {count} more")


def test_ten_of_a_type_are_shown_and_the_rest_is_counted() -> None:
    annotations = [
        Annotation(type=kind, title="t", message=str(n)) for n in range(12) for kind in reversed(AnnotationType)
    ]
    lines = list(annotation_lines(annotations, rest))
    kinds = [line.split(" ")[0] for line in lines]
    assert kinds == ["::error"] * 10 + ["::warning"] * 10 + ["::notice"] * 10
    assert lines[-1].endswith("::and 7 more")
    assert lines[0].endswith("::0")
    assert len(list(annotation_lines(annotations[:9], rest))) == 9


@pytest.mark.slow
@given(st.text(), st.text(), st.text())
def test_an_annotation_is_one_line_that_says_what_was_given(title: str, message: str, file: str) -> None:
    (line,) = annotation_lines(
        [Annotation(type=AnnotationType.ERROR, title=title, message=message[:500], file=file, line=7)], rest
    )
    assert "\n" not in line
    assert "\r" not in line
    found = re.fullmatch(r"::error file=([^:,]*),line=7,title=([^:,]*)::(.*)", line, re.DOTALL)
    assert found
    assert [back(part) for part in found.groups()] == [file, title, message[:500]]


def back(text: str) -> str:
    for code, sign in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, sign)
    return text


def test_no_value_of_an_output_sets_another(tmp_path: Path) -> None:
    given_values = {"report": "a\nexit-code<<EOF\n0\nEOF", "sarif": "", "exit-code": "3"}
    append_outputs(tmp_path / "output", given_values)
    append_outputs(tmp_path / "output", {"exit-code": "1"})
    assert outputs(tmp_path / "output") == given_values | {"exit-code": "1"}


def test_a_summary_is_cut_between_rows_below_the_limit_of_the_whole_step(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    rows = "".join(f"- çok {number}\n" for number in range(60_000))
    append_summary(path, rows, notice="cut")
    append_summary(path, rows, notice="cut")
    append_summary(path, rows, notice="cut")
    text = path.read_text(encoding="utf-8")
    assert SUMMARY_LIMIT - 100 < path.stat().st_size <= SUMMARY_LIMIT
    assert text.endswith("\ncut\n")
    assert set(text.splitlines()) - {"", "cut"} <= set(rows.splitlines())


def test_a_cut_summary_leaves_nothing_open() -> None:
    cut = fitted("<details>\n" + "- row\n" * 100 + "</details>\n", 200, notice="cut").decode()
    assert cut.count("<details>") == cut.count("</details>") == 1
    assert len(cut) <= 200
    assert fitted("row\n" * 100, 3, notice="cut") == b""


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="GITHUB_OUTPUT"):
        append_outputs(tmp_path, {"a": "b"})


def job(folder: Path) -> dict[str, str]:
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(folder),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
    }


@pytest.mark.slow
def test_an_audit_in_a_job_tells_it_what_it_found(tmp_path: Path) -> None:
    ran = call("audit", "--demo", "--as-of", AS_OF, "-q", "-f", "json", "-f", "html", cwd=tmp_path, **job(tmp_path))
    assert ran.code == 1, ran.err
    values = outputs(tmp_path / "output")
    assert values["exit-code"] == "1"
    assert values["result"] == str(Path("out/result.json"))
    assert values["sarif"] == ""
    assert int(values["findings"]) > 0
    assert values["highest-severity"] in {"critical", "high"}
    assert (tmp_path / "summary").read_text(encoding="utf-8").startswith("# ")
    assert "::error " in ran.text
    assert "@" not in ran.text
    assert "@" not in (tmp_path / "output").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_report_on_stdout_stays_whole(tmp_path: Path) -> None:
    ran = call("audit", "--demo", "--as-of", AS_OF, "-q", "-f", "ndjson=-", cwd=tmp_path, **job(tmp_path))
    assert "::error" not in ran.text
    assert "::error" in ran.err


@pytest.mark.slow
def test_nothing_is_reported_outside_of_a_job(tmp_path: Path) -> None:
    ran = call(
        "audit", "--demo", "--as-of", AS_OF, "-q", "-f", "json", cwd=tmp_path, **{**job(tmp_path), "GITHUB_ACTIONS": ""}
    )
    assert ran.out == b""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_mistake_in_a_policy_stands_on_its_line(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "seats.yaml").write_text(
        "version: 1\npolicies:\n  - id: x\n    severity: hihg\n", encoding="utf-8"
    )
    ran = call("validate", cwd=tmp_path, **job(tmp_path))
    assert ran.code == 2
    assert re.search(r"^::error file=policies/seats.yaml,line=\d,title=auditor%3A [a-z-]+::", ran.err, re.MULTILINE)
