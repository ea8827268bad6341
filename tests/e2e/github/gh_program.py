"""Fake `gh` program: the commands that the workflows use, on a folder, within the permissions of the job's token."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.github.options import Options

WORLD = Path(os.environ["GH_WORLD"])
STATE = WORLD / "state.json"


def main(arguments: list[str]) -> int:
    """Run a command; if GitHub would refuse it, print an error on stderr and return 1."""
    state: dict[str, Any] = json.loads(STATE.read_text(encoding="utf-8"))
    state["calls"].append(arguments)
    try:
        response = _respond(arguments, state)
    except PermissionError as refused:
        sys.stderr.write(f"HTTP 403: Resource not accessible by integration ({refused})\n")
        return 1
    except FileNotFoundError as missing:
        sys.stderr.write(f"HTTP 404: {missing}\n")
        return 1
    finally:
        STATE.write_text(json.dumps(state), encoding="utf-8")
    if response is not None:
        _print_response(response, Options(arguments).get("--jq"))
    return 0


def _require_permission(permission: str, *, write: bool = False) -> None:
    """Raise PermissionError unless the token grants the permission; the token is a JSON object of its permissions."""
    token = os.environ.get("GH_TOKEN", "")
    granted = json.loads(token).get(permission) if token.startswith("{") else None
    if granted != "write" and (write or granted != "read"):
        raise PermissionError(f"{permission}: {'write' if write else 'read'}")


def _respond(arguments: list[str], state: dict[str, Any]) -> Any:
    options = Options(arguments)
    match options.words[:2]:
        case ["run", "list"]:
            _require_permission("actions")
            assert (options["--status"], options["--json"]) == ("completed", "databaseId")
            runs = [
                {"databaseId": run["id"]}
                for run in reversed(state["runs"])
                if (run["workflow"], run["branch"]) == (options["--workflow"], options["--branch"])
            ]
            return runs[: int(options["--limit"])]
        case ["run", "download"]:
            _require_permission("actions")
            source, pattern = WORLD / "artifacts" / options.words[2], options.get("--pattern")
            artifacts = sorted(source.glob(pattern or options["--name"]))
            if not artifacts:
                raise FileNotFoundError(f"no valid artifacts found to download: {pattern or options['--name']}")
            for artifact in artifacts:
                # With a pattern, each artifact has its own folder.
                shutil.copytree(
                    artifact, Path(options["--dir"]) / (artifact.name if pattern else ""), dirs_exist_ok=True
                )
            return None
        case ["api", path]:
            return _api(path, options, state)
        case _:
            raise AssertionError(f"gh {arguments} is not known here")


def _api(path: str, options: Options, state: dict[str, Any]) -> Any:
    if path == "repos/contoso/licences":
        if state["visibility"] is None:
            raise FileNotFoundError("Not Found")
        return {"visibility": state["visibility"]}
    comments: list[dict[str, Any]] = state["comments"]
    method = options.get("--method") or "GET"
    _require_permission("pull-requests", write=method != "GET")
    body = Path(options["-F"].removeprefix("body=@")).read_text(encoding="utf-8") if options.get("-F") else ""
    assert len(body) <= 65_536, "GitHub refuses a longer comment"
    match method, path.removeprefix("repos/contoso/licences/issues/").split("/"):
        case "GET", [_, "comments"]:
            return comments
        case "POST", [_, "comments"]:
            comments.append({"id": 100 + len(comments), "user": {"login": "github-actions[bot]"}, "body": body})
        case "PATCH", ["comments", number]:
            (comment,) = (comment for comment in comments if str(comment["id"]) == number)
            comment["body"] = body
        case _:
            raise AssertionError(f"{method} {path} is not known here")
    return None


def _print_response(response: Any, query: str | None) -> None:
    text = json.dumps(response)
    if query is not None:
        completed = subprocess.run(["jq", "-r", query], input=text, capture_output=True, text=True, check=True)
        text = completed.stdout
    sys.stdout.write(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
