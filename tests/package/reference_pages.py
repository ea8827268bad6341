"""Generates docs/reference: every key of the files that people write, from the descriptions of the JSON Schemas."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from auditor.app.explanation.key_markdown import key_lines
from auditor.localization import localization
from auditor.policy.schema.check import schema_document
from auditor.policy.schema.keys import FileKey, top_keys

_BLOCKS: Final = frozenset(
    ("assignments", "seats", "purchases", "subscriptions", "attributes", "health", "balance", "budget", "contracts")
)
_EXTENSION: Final = "extensionAttribute"
"""Prefix of fifteen keys of the same kind: the first is documented for all of them."""
_TEXTS: Final[Mapping[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("reference_pages.yaml").read_text(encoding="utf-8")
)


def reference_pages(note: str) -> dict[str, str]:
    """Return path below docs/ → text of each page; every text starts with the note."""
    policy = {key.path[0]: key for key in top_keys("policy")}
    of_policy = policy["policies"].keys
    users = next(key for key in of_policy if key.path[-1] == "users")
    keys: dict[str, tuple[Iterable[FileKey], int, str]] = {
        "policy-files": ((key for key in all_below(policy.values()) if _in_file(key)), 0, _TEXTS["product_sets"]),
        "selectors": (all_below(users.keys), 2, _operators(users)),
        "blocks": (all_below(key for key in of_policy if key.path[-1] in _BLOCKS), 1, ""),
        "policy-tests": (all_below(top_keys("policy-test")), 0, ""),
        "tenants": (all_below(top_keys("tenants")), 0, _credentials()),
        "decisions": (all_below(top_keys("decisions")), 0, ""),
    }
    texts, index = {}, []
    for name, (page_keys, drop, end) in keys.items():
        title, lead = (_TEXTS["pages"][name][part] for part in ("title", "introduction"))
        listed = tuple(page_keys)
        parts = [f"{note}# {title}\n\n{lead}", *(_section(key, drop) for key in listed), *([end] if end else [])]
        texts[f"reference/{name}.md"] = "\n".join(parts)
        index.append(f"## [{title}]({name}.md)\n\n{_links(name, listed, drop)}\n")
    return {"reference/README.md": "\n".join([f"{note}# Reference\n\n{_TEXTS['index']}", *index]), **texts}


def _links(page: str, keys: tuple[FileKey, ...], drop: int) -> str:
    """Return a list of links: a line for each key of a file with the keys directly below it, others together."""
    parents = {key.path[:-1] for key in keys if len(key.path) - drop == 2}
    lines: list[tuple[str, dict[str, None]]] = []
    for key in keys:
        link = f"[`{key.path[-1]}`]({page}.md#{_anchor(key, drop)})"
        if key.path in parents and len(key.path) - drop == 1:
            lines.append((f"{link}: ", {}))
        elif len(key.path) - drop == 1 and (not lines or lines[-1][0]):
            lines.append(("", {link: None}))
        elif len(key.path) - drop <= 2:
            lines[-1][1][link] = None
    return "\n".join(f"- {parent}{' · '.join(links)}" for parent, links in lines)


def all_below(keys: Iterable[FileKey]) -> Iterator[FileKey]:
    """Yield keys and all keys below them, except operators, and selectors inside files other than policies."""
    for key in keys:
        names = {child.path[-1] for child in key.keys}
        if key.path[-1].startswith(_EXTENSION) and not key.path[-1].endswith("Attribute1"):
            continue
        yield key
        children = () if names & {"notIn", "inactiveFor"} else key.keys
        yield from all_below(child for child in children if child.path[:-1] == key.path)


def _in_file(key: FileKey) -> bool:
    """Whether a key belongs on the page of policy files, not on the page of blocks."""
    return key.path[0] != "policies" or len(key.path) < 2 or key.path[1] not in _BLOCKS


def _section(key: FileKey, drop: int) -> str:
    """Return the section of a key, headed by its path without the first `drop` names, which the whole page shares."""
    level = min(2 + max(len(key.path) - drop - 1, 0), 4)
    name = ".".join(key.path[drop:])
    if key.path[-1].startswith(_EXTENSION):
        name += f" to {_EXTENSION}15"
    return "\n".join([f"{'#' * level} `{name}`", "", *key_lines(key, localization("en"))])


def _anchor(key: FileKey, drop: int) -> str:
    heading = _section(key, drop).partition("\n")[0].lstrip("# ").lower()
    return "".join(letter for letter in heading.replace(" ", "-") if letter.isalnum() or letter in "-_")


def _operators(users: FileKey) -> str:
    """Return the section about operators: those of texts, then those that only dates have."""
    operators: dict[str, FileKey] = {}
    for key in users.keys:
        if any(operator.path[-1] == "notIn" for operator in key.keys):
            for operator in key.keys:
                operators.setdefault(operator.path[-1], operator)
    lines = [
        "## Operators",
        "",
        "All operators of a mapping must hold: `createdDateTime: {after: 2026-01-01, before: 30d}`.",
        "",
    ]
    for name, key in operators.items():
        lines += [f"### `{name}`", "", *key_lines(key, localization("en"))]
    return "\n".join(lines)


def _credentials() -> str:
    """Return the table of the keys that each type of credential takes."""
    lines = ["## Types of credentials", "", "| type | keys |", "|---|---|"]
    rules: list[dict[str, Any]] = schema_document("tenants")["$defs"]["credential"]["allOf"]
    for rule in rules:
        kind, schema = rule["if"]["properties"]["type"]["const"], rule["then"]
        one_of = [item["required"][0] for item in schema.get("oneOf", ())]
        keys = [
            f"`{name}`"
            + (" (one of these)" if name in one_of else " (optional)" * (name not in schema.get("required", ())))
            for name in schema["properties"]
            if name != "type"
        ]
        lines.append(f"| `{kind}` | {', '.join(keys) or '–'} |")
    return "\n".join([*lines, ""])
