"""`audit -f csv`: formats that stream findings have the same bytes alone and beside formats that need all findings."""

from pathlib import Path

import pytest

from auditor.domain.enums import Source, SourceStatus
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, Ran, call, contents
from tests.builders.tenant.tenants import bought, tenant, user

FORMATS = {"csv": "findings.csv", "ndjson": "findings.ndjson", "parquet": "findings.parquet"}
HELD = "version: 1\npolicies:\n- {id: held, severity: high, assignments: {allow: []}}\n"
BALANCE = "version: 1\npolicies:\n- {id: b, severity: low, balance: {of: [SPE_E3], spare: {min: 2, max: 10%}}}\n"


def both(folder: Path, *arguments: str | Path, code: int) -> None:
    """Audit twice, the second time with a format that needs all findings, and compare what was written."""
    streamed = audit(folder, *arguments, "-f", ",".join(FORMATS), "-o", "a")
    complete = audit(folder, *arguments, "-f", ",".join([*FORMATS, "json"]), "-o", "b")
    assert streamed == complete
    assert streamed.code == code
    one, other = contents(folder / "a"), contents(folder / "b")
    assert one == {name: other[name] for name in FORMATS.values()}


def audit(folder: Path, *arguments: str | Path) -> Ran:
    return call("audit", *arguments, "--as-of", AS_OF, cwd=folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "code"),
    [(("--locale", "en"), 1), (("--locale", "nl"), 1), (("--tenant", "contoso", "--fail-on", "never"), 0)],
)
def test_the_demo_tenants_as_saved_by_a_collection(
    options: tuple[str, ...], code: int, demo: Path, tmp_path: Path
) -> None:
    both(tmp_path, "--snapshot", demo, *options, code=code)


@pytest.mark.slow
def test_findings_of_the_fleet_stand_last(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(HELD + BALANCE.partition("policies:\n")[2])
    for name, consumed in (("a", 100), ("b", 50)):
        state = tenant(
            user("ann", "SPE_E3"), name=name, tenant_id=f"id-{name}", subscribedSkus=[bought("SPE_E3", 100, consumed)]
        )
        write(tmp_path / "s", state)
    both(tmp_path, "p.yaml", "--snapshot", "s", code=1)
    lines = (tmp_path / "a" / "findings.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [["a", "held"], ["b", "held"], ["", "b"]]


def test_what_was_not_read_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        f"{HELD}- {{id: gone, severity: low, users: {{inactiveFor: 9d}}, assignments: {{allow: []}}}}\n"
    )
    write(tmp_path / "s", tenant(user("ann", "SPE_E3"), unread={Source.SIGN_IN_ACTIVITY: SourceStatus.DENIED}))
    both(tmp_path, "p.yaml", "--snapshot", "s", code=3)


def test_an_empty_tenant_and_one_that_cannot_be_audited(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(HELD)
    write(tmp_path / "s", tenant())
    both(tmp_path, "p.yaml", "--snapshot", "s", code=0)
    (tmp_path / "tenants.yaml").write_text(
        "version: 1\ntenants:\n- {name: a, tenantId: 11111111-2222-3333-4444-555555555555, cloud: worldwide, "
        "credential: {type: token, tokenEnv: NOBODY_SETS_THIS}}\n"
    )
    both(tmp_path, "p.yaml", "--no-progress", code=3)


@pytest.mark.slow
def test_several_row_groups_of_strange_people(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(HELD)
    names = ["=cmd|'/C calc'!A1", "a\u202egnp.exe", "x\x1b[31mred", "line\nbreak", "\U0010ffff", 'a,"b"', "é" * 99]
    people = [
        user(f"n{index}", "SPE_E3", displayName=name, department=name) | {"id": name}
        for index, name in enumerate(names)
    ]
    write(tmp_path / "s", tenant(*people, rows=2))
    both(tmp_path, "p.yaml", "--snapshot", "s", code=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["csv", "ndjson"])
def test_stdout_gets_the_same_as_a_file(name: str, demo: Path, tmp_path: Path) -> None:
    alone = audit(tmp_path, "--snapshot", demo, "-f", f"{name}=-")
    beside = audit(tmp_path, "--snapshot", demo, "-f", f"{name}=-", "-f", "parquet=p/f.parquet")
    whole = audit(tmp_path, "--snapshot", demo, "-f", f"{name}=there", "-f", "json=j")
    assert (alone.code, beside.code, whole.code) == (1, 1, 1)
    assert alone.out == beside.out == (tmp_path / "there").read_bytes()
    assert sorted(contents(tmp_path)) == ["j", "p", "p/f.parquet", "there"]


@pytest.mark.slow
def test_a_job_gets_its_summary_outputs_and_annotations(saved: Path, tmp_path: Path) -> None:
    results = []
    for formats in ("csv", "csv,json"):
        job_folder = tmp_path / formats
        job_folder.mkdir()
        ran = call("audit", "--snapshot", saved, "--as-of", AS_OF, "-f", formats, "-o", "o", cwd=job_folder,
                   GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(job_folder / "outputs"),
                   GITHUB_STEP_SUMMARY=str(job_folder / "summary"))  # fmt: skip
        outputs = (job_folder / "outputs").read_text().splitlines()
        results.append((ran.code, ran.out, (job_folder / "summary").read_text(), "findings" in " ".join(outputs)))
        assert "open findings" in ran.text
    assert results[0] == results[1]


@pytest.mark.slow
def test_what_needs_every_finding_still_gets_it(saved: Path, tmp_path: Path) -> None:
    audit(tmp_path, "--snapshot", saved, "-f", "json=r.json")
    audit(tmp_path, "--snapshot", saved, "-f", "csv", "--compare", "r.json", "--redact")
    header, first, *_ = (tmp_path / "out" / "findings.csv").read_text().splitlines()
    assert dict(zip(header.split(","), first.split(","), strict=False))["change"] == "unchanged"


@pytest.mark.slow
@pytest.mark.parametrize("what", [("nowhere",), ("s", "--tenant", "x"), ("s", "--tenant", "contoso")])
def test_bad_input_is_reported_as_before(what: tuple[str, ...], saved: Path, tmp_path: Path) -> None:
    (tmp_path / "s").symlink_to(saved)
    (tmp_path / "bad.yaml").write_text("version: 1\npolicies: [{id: a}]\n")
    for policies in ((), ("bad.yaml",)):
        ran = [audit(tmp_path, *policies, "--snapshot", *what, "-f", name) for name in ("csv", "json")]
        assert ran[0].err == ran[1].err
        assert ran[0].code == ran[1].code
    assert ran[0].code == 2
    assert (tmp_path / "out" / "findings.csv").exists() is (what[-1] == "contoso"), (
        "only the good policies were audited"
    )


def test_a_place_in_the_way_leaves_nothing_half_written(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    before = contents(tmp_path)
    ran = audit(tmp_path, "--snapshot", saved, "-f", "csv", "-f", f"ndjson=out/{'x' * 300}")
    assert ran.code in {2, 3}
    assert contents(tmp_path) == before
