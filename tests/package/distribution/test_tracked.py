"""No file contains addresses of package indexes, paths of one machine, or versions that move."""

import re
import tomllib

import pytest

from tests.package.tree import ROOT, files

# Written in two halves, so that this file does not hold what it looks for.
INDEX = re.compile(
    "|".join(
        (r"pypi\.(org|python)/" + "simple", "files.python" + "hosted", "--extra-" + "index-url", "--find-" + "links ")
    )
)
MACHINE = re.compile(
    "|".join(
        (
            "/wo" + r"rk/(main|shared)",
            r"/(home|Users)/(?!you|user|me|runner)[a-z]+/" + "",
            "/tmp/" + "bash",
            "file:///" + "opt",
        )
    )
)
USES = re.compile(r"^\s*(?:-\s+)?uses:\s*(\S+)(.*)$", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
LOCKS = ("build", "runtime", "site", "test")


def texts() -> dict[str, str]:
    found = {}
    for path in files():
        body = path.read_bytes()
        if b"\0" not in body:
            found[path.relative_to(ROOT).as_posix()] = body.decode()
    return found


@pytest.mark.slow
def test_no_file_holds_an_index_address_or_a_path_of_one_machine() -> None:
    found = {
        f"{name}: {hit.group()}"
        for name, text in texts().items()
        for hit in [*INDEX.finditer(text), *MACHINE.finditer(text)]
    }
    assert found == set()


def test_the_patterns_find_what_they_look_for() -> None:
    assert INDEX.search("--index-url https://pypi." + "org/simple")
    assert INDEX.search("https://files.python" + "hosted.org/packages/x.whl")
    assert MACHINE.search("cd /wo" + "rk/main")


def test_a_lock_holds_exact_versions_and_hashes_only() -> None:
    line = re.compile(r"[a-z0-9._-]+==[^\s;]+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|\s*#.*")
    for lock in LOCKS:
        text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
        assert [odd for odd in text.splitlines() if not line.fullmatch(odd)] == [], lock
        assert "://" not in text, lock


def locked(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE))


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", item)[0].lower() for item in requirements}


def test_the_locks_hold_what_the_project_asks_for_and_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    runtime, everything = locked("runtime"), locked("test")
    assert names(project["project"]["dependencies"]) <= set(runtime)
    assert names(
        [item for group in project["dependency-groups"].values() for item in group if isinstance(item, str)]
    ) <= set(everything)
    assert runtime.items() <= everything.items()
    assert names(project["build-system"]["requires"]) == set(locked("build"))
    asked = (ROOT / "requirements" / "build.in").read_text(encoding="utf-8").splitlines()
    assert project["build-system"]["requires"] == [item for item in asked if not item.startswith("#")]


def test_every_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    workflows = [
        path for path in files() if path.suffix == ".yml" and (".github" in path.parts or path.name == "action.yml")
    ]
    found = [
        (path.name, use, rest) for path in workflows for use, rest in USES.findall(path.read_text(encoding="utf-8"))
    ]
    assert found, "no workflow uses an action: the test looks in the wrong place"
    loose = [
        (name, use)
        for name, use, rest in found
        if not use.startswith("./") and not (PINNED.fullmatch(use) and re.search(r"# v\d+\.\d+\.\d+", rest))
    ]
    assert loose == []
