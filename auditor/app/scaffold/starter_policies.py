"""Selects the starter policies of a team's repository: copies of the library's files, or a file that extends it."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any, Final

from auditor import __version__, resources
from auditor.app.policy_files import COPY, SCHEMAS, TEST_SUFFIX, library_files
from auditor.domain.errors import AuditorError
from auditor.files import input as files
from auditor.policy.documents import digest_of
from auditor.policy.extends import STARTER
from auditor.policy.loader import load
from auditor.policy.yaml.reader import parse

SMALL: Final = ("sets", "capacity", "lifecycle", "entitlement", "overlap", "reclaim", "health")
"""Policy files for any tenant, which need no sign-in data or mailbox types."""
LARGE: Final = (*SMALL, "add-ons", "inactivity", "mailboxes")
GROUPS: Final = "governance"
"""The policy file that requires group licences for suites."""
EXTENDING: Final = "starter.yaml"
"""The file that extends the library."""
_SCHEMA_COMMENT: Final = re.compile(rb"\A(# yaml-language-server: \$schema=\.\./)auditor/schemas/")


@cache
def starter_files(*, large: bool, groups: bool, extend: bool) -> Mapping[str, bytes]:
    """Return the policies and tests in `policies/`, by file name."""
    stems = sorted([*(LARGE if large else SMALL), *([GROUPS] if groups else [])])
    return MappingProxyType(dict(sorted((_extending_files(stems) if extend else _copied_files(stems)).items())))


def existing_starter(folder: Path) -> dict[str, bool]:
    """Return the arguments of `starter_files` for the policies in a folder; empty if it has no starter policies."""
    if files.is_file(folder / EXTENDING):
        excluded = _excluded_policies(folder / EXTENDING)
        return {"large": not excluded & _ids("inactivity"), "groups": not excluded & _ids(GROUPS), "extend": True}
    if files.is_file(folder / "sets.yaml"):
        return {
            "large": files.is_file(folder / "inactivity.yaml"),
            "groups": files.is_file(folder / f"{GROUPS}.yaml"),
            "extend": False,
        }
    return {}


def _extending_files(stems: Iterable[str]) -> dict[str, bytes]:
    """Return the file that extends the library, its test, and a copy of the library for later comparisons."""
    library = library_files()
    rest = [PurePath(name).stem for name, _ in library if PurePath(name).stem not in stems]
    values = {
        "STARTER": f"{STARTER}{__version__}",
        "DIGEST": digest_of(parse(body, file=name) for name, body in library),
        "LEAVEOUT": "\n".join(f"    # {stem}.yaml\n    - " + "\n    - ".join(sorted(_ids(stem))) for stem in rest),
    }
    bodies = {f"{COPY}/{PurePath(name).name}": body for name, body in library}
    for name in (EXTENDING, f"starter{TEST_SUFFIX}.yaml"):
        bodies[name] = filled(template(name), values).encode()
    return bodies


def template(name: str) -> str:
    """Return a template of a file of a team's repository."""
    path = resources.reports() / "templates" / "scaffold" / name
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return a template with values in place of placeholders such as @NAME@."""
    return re.sub(r"@([A-Z]+)@", lambda match: values[match[1]], template)


def _copied_files(stems: Iterable[str]) -> dict[str, bytes]:
    """Return files of the library, with those of their tests that need no other file."""
    library = resources.policies()
    bodies = {f"{stem}.yaml": _with_team_schema((library / f"{stem}.yaml").read_bytes()) for stem in stems}
    ids = {policy.id for policy in load(bodies.items()).policies.policies}
    for stem in stems:
        name = f"{stem}{TEST_SUFFIX}.yaml"
        body = _with_team_schema((library / name).read_bytes())
        if _tested_policies(body, name) <= ids:
            bodies[name] = body
    return bodies


def _with_team_schema(body: bytes) -> bytes:
    """Return a file of the library with the path of the schema in the team's repository in its first line."""
    return _SCHEMA_COMMENT.sub(rb"\1" + SCHEMAS.encode() + b"/", body.replace(b"\r\n", b"\n"))


def _tested_policies(body: bytes, name: str) -> set[str]:
    """Return the ids of the policies to which a test file refers."""
    value: Any = parse(body, file=name).value
    tests = value["tests"]
    listed = {str(policy) for test in tests for policy in test.get("policies") or ()}
    return listed | {str(item["policy"]) for test in tests for item in test.get("expect") or () if "policy" in item}


def _ids(stem: str) -> set[str]:
    """Return the ids of the policies of a file of the library."""
    value: Any = parse((resources.policies() / f"{stem}.yaml").read_bytes(), file=stem).value
    return {str(policy["id"]) for policy in value.get("policies") or ()}


def _excluded_policies(path: Path) -> set[str]:
    """Return the ids of the policies in `leaveOut` of a file; empty if it cannot be read."""
    try:
        value: Any = parse(files.read(path, max_bytes=files.POLICY), file=path.name).value
        listed = value["extends"]["leaveOut"] if isinstance(value, Mapping) else ()
        return {str(item) for item in listed}
    except (AuditorError, OSError, KeyError, TypeError):
        return set()
