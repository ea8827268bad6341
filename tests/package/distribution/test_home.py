"""Repositories on GitHub: the project's own is a placeholder that nobody can register, all others are known."""

import re
from pathlib import Path

import pytest

from auditor import __home__
from auditor.app.scaffold.choices import Choices
from auditor.app.scaffold.repository import scaffold_files
from auditor.domain.enums import Agreement
from tests.builders.service.command_line import call
from tests.package.tree import ROOT, files

KNOWN = {
    *("actions", "github", "pypa"),
    *("exceljs", "tafia"),  # quoted in a decision
    *("redhat-developer",),  # the YAML language server, named in docs/editors.md
    *("sponsors",),  # a lock file's
    *("contoso", "o", "OWNER", "microsoft"),  # examples and tests
}
OWNER = re.compile(
    r"(?:github\.com|githubusercontent\.com|/repos| repos|git@github\.com:|ghcr\.io)[/:]([\w.-]+)/[\w.-]+"
)
USES = re.compile(r"^\s*(?:- )?uses: +([^\s#]+)", re.MULTILINE)
REPOSITORY = re.compile(r"^\s*- repo: +(\S+)", re.MULTILINE)
GIVEN_OUT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
"""Names that GitHub allows for an owner."""
PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40}")


def texts() -> dict[str, str]:
    found = {}
    for path in files():
        try:
            found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    scaffold = scaffold_files(Choices(large=True, groups=True, agreement=Agreement.MCA))
    return found | {f"scaffold/{name}": body.decode() for name, body in scaffold.items()}


def test_nobody_can_register_the_placeholder() -> None:
    owner, name = __home__.split("/")
    assert GIVEN_OUT.fullmatch(owner) is None
    assert len(owner) > 39
    assert "_" in owner
    assert name


@pytest.mark.slow
def test_every_owner_on_github_is_known() -> None:
    home = __home__.split("/")[0]
    strange = {
        (name, owner)
        for name, text in texts().items()
        if name != "tests/package/distribution/test_home.py"
        for owner in OWNER.findall(text)
        if owner not in {*KNOWN, home}
    }
    assert strange == set()


@pytest.mark.slow
def test_every_action_is_the_placeholder_or_pinned() -> None:
    strange = set()
    for name, text in texts().items():
        if not name.endswith((".yml", ".yaml", ".md")):
            continue
        for used in USES.findall(text):
            ours = used.startswith(("./", f"{__home__}@", "@USES@"))
            if not ours and not (PINNED.fullmatch(used) and used.split("/")[0] in KNOWN):
                strange.add((name, used))
        strange |= {
            (name, repo)
            for repo in REPOSITORY.findall(text)
            if not {__home__, "@HOME@", "local"} & {repo, repo.removeprefix("https://github.com/")}
        }
    assert strange == set()


def test_init_uses_the_repository_that_is_named(tmp_path: Path) -> None:
    ran = call("init", "--credential", "github-oidc", cwd=tmp_path)
    assert ran.code == 0
    assert "--action OWNER/NAME" in ran.err
    pin = "c" * 40
    ran = call("init", "--action", "contoso/auditor", "--pin", pin, "--force", cwd=tmp_path)
    assert "--action" not in ran.err
    for name in ("nightly-audit", "policy-preview"):
        text = (tmp_path / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
        assert f"uses: contoso/auditor@{pin} # v" in text
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if __home__ in path.read_text(encoding="utf-8")]
    assert call("init", "--action", __home__, "--force", cwd=tmp_path).code == 2
