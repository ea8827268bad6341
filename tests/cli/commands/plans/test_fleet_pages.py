"""`auditor plan` of many tenants: the table of tenants, documents of single tenants, and the terminal."""

import re
from html import unescape
from pathlib import Path

import pytest

from auditor.result.ranking import MAX_SECTIONS
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, expect
from tests.builders.tenant.plan_tenants import E3, PRICES, grant, snapshot, user

pytestmark = pytest.mark.slow
COUNT = 18
RULES = (
    f"version: 1\n{PRICES}\n"
    "policies: [{id: leavers, severity: high, users: {accountEnabled: false}, assignments: {deny: paid}}]\n"
)


def tenants_of(folder: Path, count: int) -> None:
    """Write snapshots of tenants; the first has one leaver with a licence, the second two, and so on."""
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    for number in range(1, count + 1):
        people = [user(f"p{person}", grant(E3), accountEnabled=False) for person in range(number)]
        write(folder / "snapshots", snapshot(people, {E3: number}, name=f"t{number:02}"))


def planned(folder: Path, *arguments: str, code: int = 0) -> str:
    command = ("plan", "rules.yaml", "--snapshot", "snapshots", "--as-of", AS_OF, *arguments)
    return expect(code, *command, cwd=folder).text


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page and the Markdown document of more tenants than one page has sections."""
    folder = tmp_path_factory.mktemp("fleet")
    tenants_of(folder, COUNT)
    planned(folder, "-q", "-f", "html,markdown", "-o", "p")
    return folder


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a page of tenants of which the first is damaged, and the output on the terminal."""
    folder = tmp_path_factory.mktemp("damaged")
    tenants_of(folder, MAX_SECTIONS + 3)
    (manifest,) = (folder / "snapshots" / "t01").rglob("manifest.json")
    manifest.write_text("{")
    return folder / "p", planned(folder, "-f", "html,terminal", "-o", "p", code=3)


def rows(page: str) -> list[list[str]]:
    """Return the cells of the table of tenants as text."""
    table = page.partition('<table class="fleet">')[2].partition("</main>")[0].partition('<section class="tenant"')[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)(?=</t[hd]>)", row, re.DOTALL) for row in re.findall("<tr>.*?</tr>", table)]
    return [[" ".join(unescape(re.sub("<[^>]+>", "", cell)).split()) for cell in row] for row in cells]


def markdown_rows(document: str) -> list[list[str]]:
    """Return the cells of the table of tenants in a Markdown document, without the addresses of links."""
    table = document.partition("## Tenants\n\n")[2].partition("\n\n")[0].splitlines()
    cells = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", line).strip("| ").split(" | ") for line in table]
    return [cells[0], *cells[2:]]


def test_page_of_many_tenants_has_a_table_that_links_to_a_page_for_each(fleet: Path) -> None:
    page = (fleet / "p" / "plan.html").read_text(encoding="utf-8")
    assert '<section class="tenant"' not in page
    links = re.findall(r'<th scope="row"><a href="([^"]+)">', page)
    assert links == [f"t{number:02}/plan.html#t1" for number in range(COUNT, 0, -1)], "the worst tenant is first"
    matters = re.findall(r'<li><a href="([^"]+)">[^<]+</a> <small>', page)
    assert matters[0] == f"t{COUNT:02}/plan.html#t1-1"
    assert page.count(f"t{COUNT:02} · also in {COUNT - 1} other tenants") == len(matters)
    for link in (*links, *matters):
        path, _, anchor = link.partition("#")
        single = (fleet / "p" / path).read_text(encoding="utf-8")
        assert f'id="{anchor}"' in single
        assert (single.count('<section class="tenant"'), single.count('class="fleet"')) == (1, 0)
    assert "<title>Remediation plan · t03 · " in (fleet / "p" / "t03" / "plan.html").read_text(encoding="utf-8")


def test_markdown_of_many_tenants_has_the_table_and_the_links_of_the_page(fleet: Path) -> None:
    page, document = ((fleet / "p" / name).read_text(encoding="utf-8") for name in ("plan.html", "plan.md"))
    links = re.findall(r"\]\(([^)]+)\)", document)
    assert links == [link.replace(".html", ".md") for link in re.findall(r'href="(t[^"]+)"', page)]
    assert len(document.splitlines()) < 3 * COUNT
    for link in links:
        path, _, anchor = link.partition("#")
        single = (fleet / "p" / path).read_text(encoding="utf-8")
        assert f'<a id="{anchor}"></a>' in single
        assert (single.count("\n## "), "## Tenants" in single) == (1, False)


def test_tenants_after_the_fifteenth_are_in_a_folded_table(fleet: Path) -> None:
    page = (fleet / "p" / "plan.html").read_text(encoding="utf-8")
    first, folded = page.split(">and 3 more<")
    links = [re.findall(r'<th scope="row"><a href="([^/]+)/', part) for part in (first, folded)]
    assert [len(part) for part in links] == [15, 3]
    assert sorted(links[0] + links[1]) == [f"t{number:02}" for number in range(1, COUNT + 1)]


def test_table_has_the_numbers_of_each_tenant_and_their_totals(tmp_path: Path) -> None:
    tenants_of(tmp_path, 2)
    page = planned(tmp_path, "-q", "-f", "html=-")
    document = planned(tmp_path, "-q", "-f", "markdown=-")
    header, second, first, total = rows(page)
    assert markdown_rows(document)[0] == header
    assert header[0] == "Tenant"
    assert first[0] == "t01"
    # On a narrow screen, the name of its column precedes each number.
    for index, row, name, numbers in (
        (1, second, "t02", ("2 → 0", "1", "2", "2", "2", "€71.40", "€71.40")),
        (-1, total, "All tenants together", ("3 → 0", "2", "3", "3", "3", "€107.10", "€107.10")),
    ):
        assert row == [name, *(f"{label} {number}" for label, number in zip(header[1:], numbers, strict=True))]
        assert markdown_rows(document)[index] == [name, *numbers]
    assert re.findall(r'<th scope="row"><a href="([^"]+)">', page) == ["#t1", "#t2"]
    sections = re.findall(r'<section class="tenant" id="(t\d)" aria-labelledby="\1-h">\n<h2 id="\1-h">(t\d+)<', page)
    assert sections == [("t1", "t02"), ("t2", "t01")], "the sections have the order of the table"
    assert re.findall(r'<a id="(t\d)"></a>\n\n## (t\d+)\n', document) == sections


def test_tenant_without_a_plan_is_first_in_the_table(damaged: tuple[Path, str]) -> None:
    folder, _ = damaged
    page = (folder / "plan.html").read_text(encoding="utf-8")
    name, state = rows(page)[1]
    assert name == "t01"
    assert state == "not audited"
    assert re.search(r"<li>t01: not audited: [^<]*manifest.json: invalid JSON", page)
    single = (folder / "t01" / "plan.html").read_text(encoding="utf-8")
    assert "t01 could not be audited: " in single
    assert ("applied to a copy" in page, "applied to a copy" in single) == (True, False)


def test_page_on_stdout_has_every_tenant_in_full(fleet: Path) -> None:
    page = planned(fleet, "-q", "-f", "html=-")
    assert page.count('<section class="tenant"') == COUNT
    assert 'href="t' not in page


def test_terminal_has_a_line_for_each_of_the_first_of_many_tenants(damaged: tuple[Path, str]) -> None:
    count = MAX_SECTIONS + 3
    lines = [" ".join(line.split()) for line in damaged[1].splitlines()]
    assert lines[0].startswith("t01: not audited: ")
    assert lines[lines.index("What to do first") + 1].startswith(
        f"1 t{count:02}, also in {count - 2} other tenants: Unassign Microsoft 365 E3 from {count} people"
    )
    tenants = lines[lines.index("Tenants") + 1 :]
    assert tenants[0] == "t01: not audited"
    assert any(line.startswith(f"t{count:02}: open findings {count} → 0, 1 action, ") for line in tenants)
    assert "and 3 more" in tenants
    assert any(line.startswith("All tenants together: open findings 90 → 0") for line in tenants)
    assert not any(line.startswith("t02:") for line in tenants)


def test_plan_names_the_scripts_of_earlier_plans(tmp_path: Path) -> None:
    tenants_of(tmp_path, 2)
    plan = ("plan", "rules.yaml", "--as-of", AS_OF, "-f", "powershell", "--snapshot")
    assert "warning" not in expect(0, *plan, "snapshots", cwd=tmp_path).err
    assert "warning" not in expect(0, *plan, "snapshots", cwd=tmp_path).err
    assert "warning" not in expect(0, *plan, "snapshots", "--tenant", "t01", cwd=tmp_path).err
    (warning,) = re.findall("warning.*", expect(0, *plan, "snapshots/t01", cwd=tmp_path).err)
    assert "out/t01/plan.ps1, out/t02/plan.ps1, out/t01/undo.ps1" in warning
