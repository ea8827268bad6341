"""Reads the policy files of a git ref from the object database, without checkout, fetch or hooks."""

import os
import re
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

from auditor import __version__
from auditor.app.policy_files import COPY, DEFAULT, installed_base, is_policy_file, missing_folder
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.policy.extends import STARTER, Base, Bases

_SAFE_REF: Final = re.compile(r"[A-Za-z0-9_][\w./@{}^~+#=-]{0,254}")
"""Allowed refs: no option, no range, no path into a tree."""
_TIMEOUT: Final = 30
_ENVIRONMENT: Final = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
_TREE_ENTRY: Final = re.compile(rb"(\d{6}) (\w+) ([0-9a-f]{40,64})\t(.*)", re.DOTALL)


def is_safe(ref: str) -> bool:
    """Return whether a text can safely be passed to git as a ref."""
    return _SAFE_REF.fullmatch(ref) is not None and ".." not in ref


def commit_of(ref: str) -> str:
    """Return the commit hash of a ref. Raises UsageError if there is none."""
    output = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    commit = output.decode("ascii", "replace").strip()
    if not re.fullmatch("[0-9a-f]{40,64}", commit):
        raise _unknown_ref(ref)
    return commit


def files_of(commit: str, paths: Sequence[Path], *, ref: str, root: Path | None = None) -> list[tuple[str, bytes]]:
    """Return the policy files of files and folders in a commit as (`ref:path`, bytes), sorted by path.

    A path that is not in the commit is skipped, because the change adds it. Raises UsageError for a path outside the
    repository, and for a symbolic link, which cannot be followed in a commit.
    """
    root = _root() if root is None else root
    locations = [_repository_path(root, path) for path in paths or (DEFAULT,)]
    blobs: dict[str, str] = {}
    for line in filter(None, _git("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")):
        entry = _TREE_ENTRY.fullmatch(line)
        path = PurePosixPath(os.fsdecode(entry[4])) if entry is not None else PurePosixPath()
        if entry is None or not any(_is_policy_path(path, location) for location in locations):
            continue
        if entry[1] == b"120000":
            raise UsageError(
                "base-link",
                Message("{ref}:{path} is a symbolic link", ref=ref, path=path),
                hint=Message("put the file itself into the repository"),
            )
        if entry[2] == b"blob":
            blobs[str(path)] = entry[3].decode()
    return [(f"{ref}:{path}", _git("cat-file", "blob", blobs[path])) for path in sorted(blobs)]


def bases_of(commit: str, ref: str) -> Bases:
    """Return a function that returns the base of a file in a commit: a folder of the commit, or the starter library.

    If the file requires a version of the library that is not installed, its copy in the commit is read.
    """
    root_once = cache(_root)

    def find(file: str, source: str) -> Base:
        folder = PurePosixPath(file.removeprefix(f"{ref}:")).parent
        if source.startswith(STARTER) and source.removeprefix(STARTER) == __version__:
            return installed_base(file, source)
        base_folder = folder / COPY if source.startswith(STARTER) else folder / source
        root = root_once()
        base_files = files_of(commit, (Path(os.path.normpath(root / base_folder)),), ref=ref, root=root)
        if base_files:
            version = source.removeprefix(STARTER) if source.startswith(STARTER) else None
            return Base(files=tuple(base_files), version=version)
        if source.startswith(STARTER):
            return installed_base(file, source)
        raise missing_folder(base_folder)

    return find


def _root() -> Path:
    """Return the root folder of the repository of the current directory."""
    return Path(os.fsdecode(_git("rev-parse", "--show-toplevel").rstrip(b"\n"))).resolve()


def _repository_path(root: Path, path: Path) -> PurePosixPath:
    try:
        return PurePosixPath(path.resolve().relative_to(root).as_posix())
    except ValueError as error:
        raise UsageError(
            "base-outside",
            Message("{location} is outside the repository {repository}", location=path, repository=root),
            hint=Message("specify a folder as --base"),
        ) from error


def _is_policy_path(path: PurePosixPath, location: PurePosixPath) -> bool:
    if path == location:
        return is_policy_file(Path(path.name))
    return path.is_relative_to(location) and is_policy_file(Path(path.relative_to(location)))


def _git(*arguments: str) -> bytes:
    try:
        process = subprocess.run(  # noqa: S603 - a list, no shell; refs are checked by is_safe
            ["git", *arguments],  # noqa: S607 - the git on the user's PATH
            capture_output=True,
            check=False,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT,
        )
    except FileNotFoundError as error:
        raise UsageError(
            "base-git", Message("git is not installed"), hint=Message("install git, or specify a folder as --base")
        ) from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            "base-git",
            Message("git did not respond within {seconds} seconds", seconds=_TIMEOUT),
            hint=Message("specify a folder as --base"),
        ) from error
    if process.returncode == 0:
        return process.stdout
    if arguments[0] == "rev-parse" and "--verify" in arguments and not process.stderr:
        raise _unknown_ref(arguments[-1].removesuffix("^{commit}"))
    lines = process.stderr.decode("utf-8", "replace").strip().splitlines()
    raise UsageError(
        "base-git",
        Message(
            "git cannot read the base: {text}",
            text=lines[0] if lines else Message("exit code {code}", code=process.returncode),
        ),
        hint=Message("run inside the repository that contains the policies, or specify a folder as --base"),
    )


def _unknown_ref(ref: str) -> UsageError:
    return UsageError(
        "base-unknown",
        Message("there is neither a folder nor a commit '{ref}'", ref=ref),
        hint=Message("fetch it first (in GitHub Actions: actions/checkout with `fetch-depth: 0`), or specify a folder"),
    )
