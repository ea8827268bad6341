"""Tests that the pages of the documentation agree with the program."""

import json
import re
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import get_args, get_type_hints

import jsonschema_rs
import pyarrow as pa
import pytest
import yaml

from auditor import resources
from auditor.app.audit.remediation import packaged_library
from auditor.app.audit.run import audited
from auditor.app.plan.run import FORMATS as PLAN_FORMATS
from auditor.app.plan.run import TENANT_FORMATS
from auditor.app.scaffold.starter_policies import GROUPS, LARGE, SMALL
from auditor.checks.data_needs import PEOPLE
from auditor.collect.sources.registry import SOURCES
from auditor.graph.auth.credential_types import CREDENTIAL_TYPES
from auditor.render.formats import FORMATS
from auditor.settings.loader import load
from auditor.snapshot import schema
from auditor.snapshot.reader import read
from tests.package import docs_pages, history_page
from tests.package.readme import BLOCK, usage
from tests.package.tree import ROOT, files

TABLES = {"users": schema.USERS, "assignments": schema.ASSIGNMENTS, **schema.SMALL_TABLES}
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def type_name(kind: pa.DataType) -> str:
    """Return the name of a column type in docs/snapshot.md."""
    if pa.types.is_dictionary(kind):
        return "text, dictionary-coded"
    if pa.types.is_timestamp(kind):
        return "instant"
    if pa.types.is_list(kind):
        return "list of text"
    names = {
        pa.string(): "text",
        pa.bool_(): "boolean",
        pa.int32(): "integer",
        pa.int64(): "integer",
        pa.date32(): "day",
    }
    return names[kind]


def described(name: str) -> dict[str, tuple[str, bool]]:
    """Return column → its type and whether it may be null, according to docs/snapshot.md."""
    _, heading, text = page("docs/snapshot.md").partition(f"### {name}.parquet\n")
    assert heading, "add a section for the table to docs/snapshot.md"
    section = text.split("\n#")[0]
    columns = {}
    for cell, kind in re.findall(r"^\| (`.*?) \| ([^|]+) \|", section, re.MULTILINE):
        names = re.findall(r"`([A-Za-z0-9]+)`", cell)
        if "…" in cell:
            names = [f"extensionAttribute{number}" for number in range(1, 16)]
        columns.update(dict.fromkeys(names, (kind, not cell.endswith("*"))))
    return columns


@pytest.mark.parametrize("name", sorted(TABLES))
def test_snapshot_page_describes_every_column(name: str) -> None:
    assert described(name) == {field.name: (type_name(field.type), field.nullable) for field in TABLES[name]}


@pytest.mark.slow
def test_example_program_of_the_snapshot_page_writes_a_readable_snapshot(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", page("docs/snapshot.md"), re.DOTALL)
    assert "auditor." not in program.replace("auditor/snapshot/v1", "")
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    (folder,) = (path.parent for path in (tmp_path / "snapshots").rglob("manifest.json"))
    snapshot = read(folder)
    (batch,) = snapshot.batches()
    assert snapshot.manifest.tenant == "contoso"
    assert batch.users.column("userPrincipalName").to_pylist() == ["ann@contoso.example"]
    assert batch.assignments.column("held").to_pylist() == [True]


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.slow
def test_every_link_between_pages_has_an_existing_target() -> None:
    dead = []
    for path in (path for path in files() if path.suffix == ".md" and "golden" not in path.parts):
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for link in (first or second for first, second in LINK.findall(text)):
            target, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            linked = path.parent / target if target else path
            exists = linked.is_dir() or linked.is_file()
            if not exists or (anchor and anchor not in anchors(linked.read_text(encoding="utf-8"))):
                dead.append(f"{path.relative_to(ROOT).as_posix()}: {link}")
    assert dead == []


@pytest.mark.slow
def test_history_page_shows_the_current_output_of_its_commands() -> None:
    """File sizes are ignored: they depend on the versions of the compression libraries."""
    page_text, current = (re.sub(r"\d+ kB", "kB", text) for text in (page("docs/history.md"), history_page.written()))
    assert page_text == current, "make pages"


def library() -> dict[str, list[dict[str, str]]]:
    """Return the policies of each file of the starter library."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "policies").glob("*.yaml"))}
    return {name: yaml.safe_load(text).get("policies", []) for name, text in texts.items()}


@pytest.mark.slow
def test_readme_gives_the_number_of_policies_in_the_starter_library() -> None:
    count = sum(map(len, library().values()))
    assert f"[{count} policies](policies/README.md)" in page("README.md"), "correct the number in README.md"


@pytest.mark.slow
def test_page_of_the_library_lists_every_policy_and_counts_their_severities() -> None:
    text = page("policies/README.md")
    rows = re.findall(r"^\| `([\w-]+\.yaml)` \|.*\| ([^|]+) \|$", text, re.MULTILINE)
    listed = {file: cell.split(", ") for file, cell in rows if cell != "–"}
    assert listed == {
        file: [policy["id"] for policy in policies] for file, policies in library().items() if policies
    }, "correct the table of policies/README.md"
    counted = {name: int(number) for name, number in re.findall(r"^- \*\*(\w+)\*\* \((\d+)", text, re.MULTILINE)}
    assert counted == Counter(policy["severity"] for policies in library().values() for policy in policies)
    assert f"(1 of {sum(counted.values())})" in text


@pytest.mark.slow
def test_readme_shows_the_current_output_of_help() -> None:
    assert BLOCK.findall(page("README.md")) == [usage()], "make readme"


@pytest.mark.slow
def test_policy_in_the_readme_has_eight_lines_and_is_valid(tmp_path: Path) -> None:
    policy = next(block for block in blocks("README.md") if "policies:" in block)
    assert len(policy.splitlines()) == 8
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "readme.yaml").write_text(policy, encoding="utf-8")
    completed = subprocess.run(
        [sys.executable, "-m", "auditor", "validate", "--strict"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr


def test_tenants_file_in_the_readme_is_valid() -> None:
    text = next(block for block in blocks("README.md") if "tenants:" in block)
    (tenant,) = load(text, file="tenants.yaml").tenants
    assert tenant.name == "contoso"


def blocks(name: str) -> list[str]:
    """Return the YAML blocks of a page without their indentation."""
    indented = re.findall(r"^( *)```yaml\n(.*?)^ *```", page(name), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(body) for _, body in indented]


def test_example_of_an_article_is_valid() -> None:
    (example,) = re.findall(r"(?s)```yaml\n(.*?)```", page("docs/guidance.md"))
    jsonschema_rs.validate(json.loads(resources.schema("guidance")), yaml.safe_load(example))


def test_spark_page_unpacks_what_an_audit_yields() -> None:
    names = re.search(r"with audited\(Request\(.*?\) as \(([\w, ]+)\):", page("docs/spark.md"))
    (yielded,) = get_args(get_type_hints(audited)["return"])
    assert names
    assert len(names[1].split(", ")) == len(get_args(yielded))


def test_guide_lists_every_output_format_with_its_file() -> None:
    names, names_of_files = zip(*guide_rows("Formats"), strict=True)
    formats = [name for cell in names for name in re.findall(r"`(\w+)`", cell)]
    paths = [name for cell in names_of_files for name in re.findall(r"`([\w.]+)`", cell)]
    files = {name: known.file for name, known in FORMATS.items()}
    assert dict(zip(formats, paths, strict=True)) == files, "correct the table of formats in docs/getting-started.md"


def test_page_of_the_plan_lists_every_format() -> None:
    table = page("docs/plan.md").split("\n## ")[0]
    names = [
        name for row in re.findall(r"^\| (`[a-z].*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    ]
    assert set(names) == {*PLAN_FORMATS, *TENANT_FORMATS, "terminal"}


def test_guide_lists_the_files_of_the_library_that_init_copies() -> None:
    small, large, groups = (set(re.findall(r"`([a-z-]+)`", cell)) for _, cell in guide_rows("Which policies"))
    assert small == set(SMALL)
    assert set(LARGE) - set(SMALL) == large
    assert groups == {GROUPS}


def guide_rows(title: str) -> list[tuple[str, str]]:
    """Return the first two cells of the rows that begin with code, in a section of the guide."""
    section = re.split(r"\n#+ ", page("docs/getting-started.md").split(f"### {title}")[1])[0]
    return re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", section, re.MULTILINE)


def test_files_named_in_readme_and_contributing_exist() -> None:
    named = set(re.findall(r"requirements/\w+\.txt|\.ci/\w+", page("README.md") + page("CONTRIBUTING.md")))
    assert {name for name in named if not (ROOT / name).is_file()} == set()


def test_make_targets_named_in_readme_and_contributing_exist() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", page("README.md") + page("CONTRIBUTING.md"), re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):.* ## ", page("Makefile"), re.MULTILINE))
    assert named
    assert named <= targets


def test_privacy_page_lists_every_source_with_its_permissions() -> None:
    rows = re.findall(r"^\| (`.+?`) \| .+? \| ([A-Z][\w., ]+) \|", page("docs/privacy.md"), re.MULTILINE)
    listed = {
        name: set(permissions.split(", ")) for names, permissions in rows for name in re.findall(r"`(\w+)`", names)
    }
    assert listed == {
        fills.value: {permission.name for permission in source.permissions}
        for source in SOURCES
        for fills in source.fills
    }, "correct the table of docs/privacy.md"


def test_privacy_page_lists_the_properties_that_are_always_requested() -> None:
    sentence = re.search(r"these properties of all users are requested: (.*?)\. ", page("docs/privacy.md"), re.DOTALL)
    assert sentence
    assert sorted(re.findall(r"`(\w+)`", sentence[1])) == sorted(PEOPLE.user_properties)


def test_page_about_signing_in_lists_every_type_of_credential() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \|", page("docs/sign-in.md"), re.MULTILINE)
    header, *types = listed
    assert (header, set(types)) == ("type", {kind.__struct_config__.tag for kind in CREDENTIAL_TYPES}), (
        "add a row to the table of docs/sign-in.md"
    )


@pytest.mark.slow
def test_generated_pages_are_up_to_date() -> None:
    texts = docs_pages.pages()
    paths = {
        f"{folder}/{path.name}"
        for folder in ("checks", "guidance", "reference")
        for path in (ROOT / "docs" / folder).glob("*.md")
    }
    assert paths == set(texts), "make pages; but ids of checks and articles never change"
    changed = [path for path, text in texts.items() if (ROOT / "docs" / path).read_text(encoding="utf-8") != text]
    assert changed == [], "make pages"


@pytest.mark.slow
def test_obsolete_generated_page_is_deleted(tmp_path: Path) -> None:
    old = tmp_path / "checks" / "gone.check.md"
    old.parent.mkdir()
    old.write_text("old")
    assert docs_pages.main([str(tmp_path)]) == 0
    assert not old.exists()
    assert len(list((tmp_path / "guidance").glob("*.md"))) == len(packaged_library().articles) + 2
