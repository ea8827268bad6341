"""The command lines of the pages: all are accepted by the program, and those without a network run as described."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.cli.main import COMMANDS, command_parser
from auditor.demo.__main__ import main as write_demo
from tests.builders.service.command_line import call, expect
from tests.package.tree import ROOT

PAGES = [ROOT / "README.md", ROOT / "policies" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOW = "1774926000"
"""2026-03-31T03:00:00Z, within the hour after the audit of the folder."""
BLOCK = re.compile(r"^ *```\w*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
AFTER = re.compile(r"   +|\s+[#>|]|\s*&&")
"""What ends a command: a comment, which a table of commands has behind blanks, or the next command."""
ELSEWHERE = {
    *("init", "doctor", "audit", "audit --store audits/", "send out/result.json --to teams:LICENCES_TEAMS_URL"),
    "audit -f html,json -f openmetrics=/var/lib/node_exporter/textfile/licences.prom --public",
    "audit /tmp/then/policies --snapshot audits/ --as-of 2026-03-31T23:59:59Z",
    "audit --snapshot /mnt/share/snapshots --engine spark --spark-master spark://HOST:7077",
    "issues out/result.json --repository contoso/licences --severity high --label licences",
    'issues out/result.json --repository "$GITHUB_REPOSITORY"',
}
"""They read tenants, which the tests of first use and of Spark do, or policies of an earlier time, or send."""
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
    "history audits/": 0,
    "history audits/ --tenant contoso --policy leavers": 0,
    "store prune audits/ --keep 35d,24m --delete": 0,
    "audit --snapshot snapshots/": 1,
    "audit --snapshot snapshots/ -f parquet=findings.parquet": 1,
    "report shards/*/result.json": 0,
    "send out/result.json --to teams:LICENCES_TEAMS_URL --dry-run": 0,
    "issues out/result.json --repository contoso/licences --dry-run": 0,
}
"""Command → its exit code in a folder with what the page presumes."""


def commands() -> Iterator[str]:
    """Yield the commands of every block, without `auditor`; those behind a prompt are run to write the page."""
    for page in PAGES:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", "").splitlines():
                if line.strip().startswith(("auditor ", "- auditor ", "- run: auditor ")):
                    yield AFTER.split(line.partition("auditor ")[2])[0].strip()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place, demo = tmp_path_factory.mktemp("team"), tmp_path_factory.mktemp("demo")
    write_demo([str(demo), "--as-of", "2026-03-31T02:00:00+00:00"])
    (demo / "snapshots").rename(place / "snapshots")
    expect(0, "init", "--policies", "extend", "--no-input", cwd=place)
    at = ("--snapshot", "snapshots", "--as-of", "2026-03-31T02:17:00Z", "-q", "--fail-on", "never", "-f", "json")
    expect(0, "audit", *at, cwd=place)
    for tenant in ("contoso", "fabrikam"):
        expect(0, "audit", *at, "--tenant", tenant, "-o", f"shards/{tenant}", cwd=place)
    expect(0, "store", "put", "audits", "snapshots", "out/result.json", cwd=place)
    return place


def test_every_command_of_a_block_is_run_by_a_test() -> None:
    assert set(commands()) - {""} == ELSEWHERE | set(OFFLINE)


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(OFFLINE))
def test_a_command_of_a_page_runs(command: str, folder: Path) -> None:
    words = [
        str(path.relative_to(folder)) if "*" in word else word
        for word in shlex.split(command)
        for path in (sorted(folder.glob(word)) if "*" in word else [folder])
    ]
    given = {"LICENCES_TEAMS_URL": "https://prod-1.westeurope.logic.azure.com/workflows/x", "SOURCE_DATE_EPOCH": NOW}
    ran = call(*words, cwd=folder, **given)
    assert ran.code == OFFLINE[command], ran.err


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_option_that_a_page_names_exists(page: Path) -> None:
    for text in re.findall(r"`auditor ([^`]*)`", page.read_text(encoding="utf-8")):
        command, *words = text.split()
        if command in COMMANDS:
            parser = command_parser(command)[1]
            assert [word for word in words if word.startswith("--") and not parser.has(word)] == [], text


@pytest.mark.parametrize("command", sorted(ELSEWHERE))
def test_commands_that_need_more_are_accepted(command: str) -> None:
    words = shlex.split(command.replace("$GITHUB_REPOSITORY", "contoso/licences"))
    command_parser(words[0], words[1:])[1].parse_args(words[1:])
