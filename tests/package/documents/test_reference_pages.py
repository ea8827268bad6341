"""The reference: a section for every key of every file that people write, with an example that is valid."""

import re
from functools import cache
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from auditor.policy.schema.check import SchemaName, schema_document
from auditor.policy.schema.keys import all_keys
from tests.package.reference_pages import reference_pages

WRITTEN: tuple[SchemaName, ...] = tuple(name for name in get_args(SchemaName) if name != "result")
pages = cache(lambda: reference_pages(""))
HEADING = re.compile(r"^#+ `(.+)`$", re.MULTILINE)


def own(name: SchemaName) -> list[str]:
    """Return the keys that the pages of a file describe: operators and selectors have one page for all files."""
    twice = re.compile(
        r"\.(is|not|in|notIn|exists|matches|before|after)$|^decisions\.for\.users\.|extensionAttribute(?!1$)"
    )
    return [key.dotted for key in all_keys(name) if not twice.search(key.dotted)]


@pytest.mark.parametrize("name", WRITTEN)
def test_every_key_has_a_section(name: SchemaName) -> None:
    drops = {"policy": (0, 1, 2), "policy-test": (0,), "tenants": (0,), "decisions": (0,)}[name]
    headings = {title.split(" to ")[0] for text in pages().values() for title in HEADING.findall(text)}
    missing = [key for key in own(name) if not headings & {".".join(key.split(".")[drop:]) for drop in drops}]
    assert missing == []
    assert len(own(name)) > 15


@pytest.mark.parametrize("name", WRITTEN)
def test_every_key_is_described_with_an_example(name: SchemaName) -> None:
    keys = [key for key in all_keys(name) if not re.search(r"extensionAttribute(?!1$)", key.dotted)]
    assert [key.dotted for key in keys if not key.description.endswith((".", ":"))] == []
    assert [key.dotted for key in keys if not (key.examples or key.values)] == []


def nodes(node: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Return the schemas of all properties, by path."""
    if isinstance(node, list):
        return [found for item in node for found in nodes(item, path)]
    if not isinstance(node, dict):
        return []
    own_keys = node.get("properties")
    found = [(f"{path}.{key}", item) for key, item in own_keys.items() if isinstance(item, dict)] if own_keys else []
    inner = [found for key, item in node.items() if key != "examples" for found in nodes(item, f"{path}.{key}")]
    return [*found, *inner]


@pytest.mark.parametrize("name", WRITTEN)
def test_every_example_fits_its_key(name: SchemaName) -> None:
    document = schema_document(name)
    wrong = []
    for path, node in nodes(document):
        check = Draft202012Validator({**node, "$defs": document["$defs"]})
        wrong += [path for example in node.get("examples", ()) if not check.is_valid(example)]
    assert wrong == []
    assert any("examples" in node for _, node in nodes(document))


def test_the_pages_tell_permissions_and_the_keys_of_credentials() -> None:
    assert "- Permissions: Reports.Read.All" in pages()["reference/selectors.md"]
    assert (
        "| `certificate` | `clientId`, `path` (one of these), `env` (one of these), `passwordEnv` (optional) |"
        in (pages()["reference/tenants.md"])
    )
