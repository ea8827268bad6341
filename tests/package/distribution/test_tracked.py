"""Tests that no file contains addresses of package indexes, paths of one machine, or versions that are not pinned."""

import re
import tomllib

import pytest

from tests.package.tree import ROOT, files

# The patterns are split in two, so that this file does not match them itself.
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
    contents = {}
    for path in files():
        body = path.read_bytes()
        if b"\0" not in body:
            contents[path.relative_to(ROOT).as_posix()] = body.decode()
    return contents


@pytest.mark.slow
def test_no_file_contains_an_index_address_or_a_path_of_one_machine() -> None:
    matches = {
        f"{name}: {match.group()}"
        for name, text in texts().items()
        for match in [*INDEX.finditer(text), *MACHINE.finditer(text)]
    }
    assert matches == set()


def test_patterns_match_index_addresses_and_machine_paths() -> None:
    assert INDEX.search("--index-url https://pypi." + "org/simple")
    assert INDEX.search("https://files.python" + "hosted.org/packages/x.whl")
    assert MACHINE.search("cd /wo" + "rk/main")


def test_lock_files_contain_only_exact_versions_and_hashes() -> None:
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


def test_lock_files_contain_all_requirements_and_agree_with_each_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    runtime, everything = locked("runtime"), locked("test")
    assert names(project["project"]["dependencies"]) <= set(runtime)
    assert names(
        [item for group in project["dependency-groups"].values() for item in group if isinstance(item, str)]
    ) <= set(everything)
    assert runtime.items() <= everything.items()
    assert names(project["build-system"]["requires"]) == set(locked("build"))
    requested = (ROOT / "requirements" / "build.in").read_text(encoding="utf-8").splitlines()
    assert project["build-system"]["requires"] == [item for item in requested if not item.startswith("#")]


def test_every_action_is_pinned_to_a_commit_with_its_version_in_a_comment() -> None:
    workflows = [
        path for path in files() if path.suffix == ".yml" and (".github" in path.parts or path.name == "action.yml")
    ]
    uses = [
        (path.name, use, rest) for path in workflows for use, rest in USES.findall(path.read_text(encoding="utf-8"))
    ]
    assert uses, "no workflow uses an action: the test looks in the wrong place"
    unpinned = [
        (name, use)
        for name, use, rest in uses
        if not use.startswith("./") and not (PINNED.fullmatch(use) and re.search(r"# v\d+\.\d+\.\d+", rest))
    ]
    assert unpinned == []
