"""Simulated GitHub in a folder: a repository with history, and its variables, runs, artifacts and comments."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.builders.service.command_line import ROOT
from tests.builders.service.github_api import GithubApi

_GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")


@dataclass(slots=True, kw_only=True)
class Hub:
    """Simulated GitHub with one repository, `contoso/licences`."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    api: GithubApi | None = None
    """The REST API, for jobs that call it directly."""

    def __post_init__(self) -> None:
        self.repository.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        for key in (
            "core.compression",
            "pack.window",
            "gc.auto",
        ):  # every job fetches the whole repository: skip compression
            self.git("config", key, "0")
        empty: dict[str, Any] = {"runs": [], "comments": [], "calls": [], "visibility": "private"}
        self.update(**empty)
        self.add_program("gh", f'PYTHONPATH="{ROOT}" exec "{sys.executable}" -m tests.e2e.github.gh_program "$@"')

    @property
    def repository(self) -> Path:
        """The working copy of the repository."""
        return self.folder / "repository"

    @property
    def state(self) -> dict[str, Any]:
        document = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        assert isinstance(document, dict)
        return document

    def update(self, **changes: Any) -> None:
        """Change the state of the simulated GitHub."""
        current = self.state if (self.folder / "state.json").exists() else {}
        (self.folder / "state.json").write_text(json.dumps({**current, **changes}), encoding="utf-8")

    def add_program(self, name: str, script: str) -> None:
        """Add a program that comes before all others on the PATH of jobs."""
        program = self.folder / "programs" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/usr/bin/env bash\n{script}\n", encoding="utf-8")
        program.chmod(0o755)

    def git(self, *arguments: str) -> str:
        completed = subprocess.run([*_GIT, *arguments], cwd=self.repository, check=True, capture_output=True, text=True)
        return completed.stdout.strip()

    def commit(self, message: str = "Change") -> str:
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def pull_request(self, files: Mapping[str, str]) -> None:
        """Commit files on a branch and create refs/pull/1/merge, as GitHub does for `pull_request`."""
        self.git("checkout", "-q", "-B", "change", "main")
        for name, text in files.items():
            path = self.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.commit()
        self.git("checkout", "-q", "--detach", "main")
        self.git("merge", "-q", "--no-ff", "-m", "Merge", "change")
        self.git("update-ref", "refs/pull/1/merge", "HEAD")
        self.git("checkout", "-q", "main")

    def start_run(self, workflow: str, branch: str) -> int:
        """Add a run, which `gh run list` then lists, and return its id."""
        runs = self.state["runs"]
        number = 1000 + len(runs)
        self.update(runs=[*runs, {"id": number, "workflow": workflow, "branch": branch}])
        return number

    def artifacts(self, run: int) -> Path:
        return self.folder / "artifacts" / str(run)

    def expire(self, run: int, name: str) -> None:
        shutil.rmtree(self.artifacts(run) / name)

    def environment(self) -> dict[str, str]:
        search_path = (
            f"{self.folder / 'programs'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        )
        address = {} if self.api is None else {"GITHUB_API_URL": self.api.url}
        return {"PATH": search_path, "GH_WORLD": str(self.folder), **address}
