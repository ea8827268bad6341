"""Tests that the program accepts all command lines of the documentation, and runs those that need no network."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.cli.main import COMMANDS, command_parser
from auditor.demo.__main__ import main as write_demo
from tests.builders.document.powershell import Script
from tests.builders.service.command_line import call, expect
from tests.package.tree import ROOT

PAGES = [ROOT / "README.md", ROOT / "policies" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOW = "1774926000"
"""2026-03-31T03:00:00Z, within the hour after the audit of the folder, in seconds since 1970."""
BLOCK = re.compile(r"^ *```\w*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
COMMAND_END = re.compile(r"   +|\s+[#>|]|\s*&&")
"""End of a command: spaces before a description, a comment, redirection or pipe, or `&&`."""
ELSEWHERE = {
    *("init", "doctor", "audit", "audit --store audits/", "send out/result.json --to teams:LICENCES_TEAMS_URL"),
    "audit -f html,json -f openmetrics=/var/lib/node_exporter/textfile/licences.prom --public",
    "audit /tmp/then/policies --snapshot audits/ --as-of 2026-03-31T23:59:59Z",
    "audit --snapshot /mnt/share/snapshots --engine spark --spark-master spark://HOST:7077",
    "issues out/result.json --repository contoso/licences --severity high --label licences",
    'issues out/result.json --repository "$GITHUB_REPOSITORY"',
}
"""Not run here: they read tenants (see the tests of first use and of Spark) or policies of an earlier time, or send."""
OFFLINE = {
    "init --credential github-oidc --mail-from audit@contoso.example": 0,
    "validate --strict --tenants tenants.yaml": 0,
    "validate --strict policies": 0,
    "test": 0,
    "test policies": 0,
    "audit --demo": 1,
    "policies update --snapshot snapshots/": 0,
    "policies update --write": 0,
    "store put audits/ snapshots/ out/result.json": 0,
    "audit --snapshot audits/ --as-of 2026-03-31": 1,
    "audit policies/ prices/eur.yaml --snapshot snapshots/ --tenant contoso --history audits/ --store audits/ -o out/eur": 1,
    "audit policies/ prices/dkk.yaml --snapshot snapshots/ --tenant fabrikam --history audits/ --store audits/ -o out/dkk": 1,
    "history audits/": 0,
    "history audits/ --policy leavers": 0,
    "store prune audits/ --keep 35d,24m --delete": 0,
    "audit --snapshot snapshots/ -f parquet=findings.parquet": 1,
    "report shards/*/result.json": 0,
    "send out/result.json --to teams:LICENCES_TEAMS_URL --dry-run": 0,
    "issues out/result.json --repository contoso/licences --dry-run": 0,
}
"""Command → its exit code in a folder with the files that the page assumes."""


def commands() -> Iterator[str]:
    """Yield the commands of every block, without `auditor`, except those after a prompt (`make pages` runs them)."""
    for page in PAGES:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", "").splitlines():
                if line.strip().startswith(("auditor ", "- auditor ", "- run: auditor ")):
                    yield COMMAND_END.split(line.partition("auditor ")[2])[0].strip()


@pytest.fixture(scope="module")
def team_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, demo = tmp_path_factory.mktemp("team"), tmp_path_factory.mktemp("demo")
    write_demo([str(demo), "--as-of", "2026-03-31T02:00:00+00:00"])
    (demo / "snapshots").rename(root / "snapshots")
    expect(0, "init", "--policies", "extend", "--no-input", cwd=root)
    options = ("--snapshot", "snapshots", "--as-of", "2026-03-31T02:17:00Z", "-q", "--fail-on", "never", "-f", "json")
    expect(0, "audit", *options, cwd=root)
    for tenant in ("contoso", "fabrikam"):
        expect(0, "audit", *options, "--tenant", tenant, "-o", f"shards/{tenant}", cwd=root)
    expect(0, "store", "put", "audits", "snapshots", "out/result.json", cwd=root)
    (root / "prices").mkdir()
    for currency in ("eur", "dkk"):
        text = f"version: 1\nprices: {{currency: {currency.upper()}, perSeatPerMonth: {{SPE_E3: 1}}}}\n"
        (root / "prices" / f"{currency}.yaml").write_text(text, encoding="utf-8")
    return root


def test_every_command_of_a_block_is_run_by_a_test() -> None:
    assert set(commands()) - {""} == ELSEWHERE | set(OFFLINE)


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(OFFLINE))
def test_command_of_a_page_exits_with_its_documented_code(command: str, team_folder: Path) -> None:
    words = [
        str(path.relative_to(team_folder)) if "*" in word else word
        for word in shlex.split(command)
        for path in (sorted(team_folder.glob(word)) if "*" in word else [team_folder])
    ]
    environment = {
        "LICENCES_TEAMS_URL": "https://prod-1.westeurope.logic.azure.com/workflows/x",
        "SOURCE_DATE_EPOCH": NOW,
    }
    completed = call(*words, cwd=team_folder, **environment)
    assert completed.code == OFFLINE[command], completed.err


def test_powershell_blocks_use_documented_commands() -> None:
    programs = ("py", "python", ".venv\\Scripts\\Activate.ps1", ".\\plan.ps1", ".\\undo.ps1")
    for page in PAGES:
        for block in re.findall(r"(?s)```powershell\n(.*?)```", page.read_text(encoding="utf-8")):
            # PowerShell reads 3,7-9 as two words; the grammar reads an operator.
            assert Script(block.replace("3,7-9", "'3,7-9'").encode()).undocumented(*programs) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_option_named_on_a_page_exists(page: Path) -> None:
    for text in re.findall(r"`auditor ([^`]*)`", page.read_text(encoding="utf-8")):
        command, *words = text.split()
        if command in COMMANDS:
            parser = command_parser(command)[1]
            assert [word for word in words if word.startswith("--") and not parser.has(word)] == [], text


@pytest.mark.parametrize("command", sorted(ELSEWHERE))
def test_command_that_is_not_run_here_is_parsed(command: str) -> None:
    words = shlex.split(command.replace("$GITHUB_REPOSITORY", "contoso/licences"))
    command_parser(words[0], words[1:])[1].parse_args(words[1:])
