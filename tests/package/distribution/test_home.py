"""Tests that the project's GitHub repository is an unregistrable placeholder, and that all other owners are listed."""

import re
from pathlib import Path

import pytest

from auditor import __home__
from auditor.app.scaffold.choices import Choices
from auditor.app.scaffold.repository import scaffold_files
from auditor.domain.enums import Agreement
from tests.builders.service.command_line import call, expect
from tests.package.tree import ROOT, files

KNOWN = {
    *("actions", "github", "pypa"),
    *("exceljs", "tafia"),  # quoted in a decision
    *("redhat-developer",),  # the YAML language server, named in docs/editors.md
    *("sponsors",),  # in a lock file
    *("contoso", "o", "OWNER", "microsoft"),  # examples and tests
}
OWNER = re.compile(
    r"(?:github\.com|githubusercontent\.com|/repos| repos|git@github\.com:|ghcr\.io)[/:]([\w.-]+)/[\w.-]+"
)
USES = re.compile(r"^\s*(?:- )?uses: +([^\s#]+)", re.MULTILINE)
REPOSITORY = re.compile(r"^\s*- repo: +(\S+)", re.MULTILINE)
ALLOWED_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
"""Owner names that GitHub allows."""
PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40}")


def texts() -> dict[str, str]:
    contents = {}
    for path in files():
        try:
            contents[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    scaffold = scaffold_files(Choices(large=True, groups=True, agreement=Agreement.MCA))
    return contents | {f"scaffold/{name}": body.decode() for name, body in scaffold.items()}


def test_placeholder_owner_cannot_be_registered_on_github() -> None:
    owner, name = __home__.split("/")
    assert ALLOWED_OWNER.fullmatch(owner) is None
    assert len(owner) > 39
    assert "_" in owner
    assert name


@pytest.mark.slow
def test_every_github_owner_named_in_files_is_listed() -> None:
    home = __home__.split("/")[0]
    unlisted = {
        (name, owner)
        for name, text in texts().items()
        if name != "tests/package/distribution/test_home.py"
        for owner in OWNER.findall(text)
        if owner not in {*KNOWN, home}
    }
    assert unlisted == set()


@pytest.mark.slow
def test_every_action_is_the_placeholder_or_pinned() -> None:
    unpinned = set()
    for name, text in texts().items():
        if not name.endswith((".yml", ".yaml", ".md")):
            continue
        for action in USES.findall(text):
            is_own = action.startswith(("./", f"{__home__}@", "@USES@"))
            if not is_own and not (PINNED.fullmatch(action) and action.split("/")[0] in KNOWN):
                unpinned.add((name, action))
        unpinned |= {
            (name, repo)
            for repo in REPOSITORY.findall(text)
            if not {__home__, "@HOME@", "local"} & {repo, repo.removeprefix("https://github.com/")}
        }
    assert unpinned == set()


@pytest.mark.slow
def test_init_writes_workflows_with_the_repository_of_option_action(tmp_path: Path) -> None:
    completed = expect(0, "init", "--credential", "github-oidc", cwd=tmp_path)
    assert "--action OWNER/NAME" in completed.err
    pin = "c" * 40
    completed = call("init", "--action", "contoso/auditor", "--pin", pin, "--force", cwd=tmp_path)
    assert "--action" not in completed.err
    for name in ("nightly-audit", "policy-preview"):
        text = (tmp_path / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
        assert f"uses: contoso/auditor@{pin} # v" in text
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if __home__ in path.read_text(encoding="utf-8")]
    assert call("init", "--action", __home__, "--force", cwd=tmp_path).code == 2
