"""A stand-in for `gh`: as much of it as the workflows call, over a folder, and only what the job's token may do."""

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
    """Do what is asked, or refuse it as GitHub would: 1 and a line on stderr."""
    state: dict[str, Any] = json.loads(STATE.read_text(encoding="utf-8"))
    state["calls"].append(arguments)
    try:
        answer = _answer(arguments, state)
    except PermissionError as refused:
        sys.stderr.write(f"HTTP 403: Resource not accessible by integration ({refused})\n")
        return 1
    except FileNotFoundError as missing:
        sys.stderr.write(f"HTTP 404: {missing}\n")
        return 1
    finally:
        STATE.write_text(json.dumps(state), encoding="utf-8")
    if answer is not None:
        _show(answer, Options(arguments).get("--jq"))
    return 0


def _may(what: str, *, write: bool = False) -> None:
    """PermissionError unless the token, which says what it may do, covers it."""
    token = os.environ.get("GH_TOKEN", "")
    granted = json.loads(token).get(what) if token.startswith("{") else None
    if granted != "write" and (write or granted != "read"):
        raise PermissionError(f"{what}: {'write' if write else 'read'}")


def _answer(arguments: list[str], state: dict[str, Any]) -> Any:
    given = Options(arguments)
    match given.words[:2]:
        case ["run", "list"]:
            _may("actions")
            assert (given["--status"], given["--json"]) == ("completed", "databaseId")
            runs = [
                {"databaseId": run["id"]}
                for run in reversed(state["runs"])
                if (run["workflow"], run["branch"]) == (given["--workflow"], given["--branch"])
            ]
            return runs[: int(given["--limit"])]
        case ["run", "download"]:
            _may("actions")
            source, pattern = WORLD / "artifacts" / given.words[2], given.get("--pattern")
            found = sorted(source.glob(pattern or given["--name"]))
            if not found:
                raise FileNotFoundError(f"no valid artifacts found to download: {pattern or given['--name']}")
            for each in found:
                # What fits a pattern gets a folder of its own.
                shutil.copytree(each, Path(given["--dir"]) / (each.name if pattern else ""), dirs_exist_ok=True)
            return None
        case ["api", path]:
            return _api(path, given, state)
        case _:
            raise AssertionError(f"gh {arguments} is not known here")


def _api(path: str, given: Options, state: dict[str, Any]) -> Any:
    if path == "repos/contoso/licences":
        if state["visibility"] is None:
            raise FileNotFoundError("Not Found")
        return {"visibility": state["visibility"]}
    comments: list[dict[str, Any]] = state["comments"]
    method = given.get("--method") or "GET"
    _may("pull-requests", write=method != "GET")
    body = Path(given["-F"].removeprefix("body=@")).read_text(encoding="utf-8") if given.get("-F") else ""
    assert len(body) <= 65_536, "GitHub refuses a comment of more"
    match method, path.removeprefix("repos/contoso/licences/issues/").split("/"):
        case "GET", [_, "comments"]:
            return comments
        case "POST", [_, "comments"]:
            comments.append({"id": 100 + len(comments), "user": {"login": "github-actions[bot]"}, "body": body})
        case "PATCH", ["comments", number]:
            (comment,) = (one for one in comments if str(one["id"]) == number)
            comment["body"] = body
        case _:
            raise AssertionError(f"{method} {path} is not known here")
    return None


def _show(answer: Any, query: str | None) -> None:
    text = json.dumps(answer)
    if query is not None:
        done = subprocess.run(["jq", "-r", query], input=text, capture_output=True, text=True, check=True)
        text = done.stdout
    sys.stdout.write(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
