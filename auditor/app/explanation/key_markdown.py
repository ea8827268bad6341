"""Describes keys of the policy language, and named definitions in policy files, as Markdown."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from auditor.checks.data_needs import needs
from auditor.localization import Localization
from auditor.policy.loader import load
from auditor.policy.schema.keys import FileKey
from auditor.policy.yaml.writer import flow

_SELECTOR: Final = ("policies", "users")
_COMBINATORS: Final = frozenset({"all", "any", "not", "population", "signal"})
"""Selectors that combine other selectors, and need no permissions themselves."""
_FILES: Final = {"tenants": "tenants.yaml", "policy-test": "*_test.yaml", "decisions": "decisions.yaml"}
"""The files of keys that do not belong to policy files."""
_WIDTH: Final = 76
"""Maximum line width of quoted YAML."""


def keys_markdown(keys: Sequence[FileKey], l10n: Localization) -> str:
    """Return the description of all keys with one name; the descriptions in the schema are in English."""
    name = keys[0].path[-1]
    lines = [f"# `{name}`", ""]
    for key in keys:
        file = f" ({_FILES[key.file]})" if key.file in _FILES else ""
        lines += [f"{'## ' if len(keys) > 1 else ''}`{key.dotted}`{file}", ""]
        lines += key_lines(key, l10n)
        if key.keys:
            lines += [f"{l10n.gettext('Keys')}:", "", *(_list_item(child, l10n) for child in key.keys), ""]
    return "\n".join(lines).rstrip() + "\n"


def key_lines(key: FileKey, l10n: Localization) -> list[str]:
    """Return lines with the description of a key, its values, and examples."""
    examples = [f"{key.path[-1]}: {flow(example)}" for example in key.examples]
    return [key.description, "", *_facts(key, l10n), *(["```yaml", *examples, "```", ""] if examples else [])]


def defined_markdown(name: str, definitions: Mapping[str, Any], l10n: Localization) -> str | None:
    """Return the definition of a contract, waiver, population or product set in policy files; None if there is none."""
    for section, title in (
        ("contracts", l10n.gettext("Contract")),
        ("waivers", l10n.gettext("Waiver")),
        ("populations", l10n.gettext("Population")),
        ("products", l10n.gettext("Product set")),
    ):
        section_definitions = definitions.get(section) or {}
        if isinstance(section_definitions, list):
            section_definitions = {item["id"]: item for item in section_definitions}
        if name in section_definitions:
            definition = section_definitions[name]
            is_listed = section in {"contracts", "waivers"}
            quoted = yaml_block({section: [definition]} if is_listed else {name: definition})
            return f"# {title}: `{name}`\n\n{quoted}\n"
    return None


def yaml_block(value: Mapping[str, Any]) -> str:
    """Return a part of a policy file as a block of YAML in Markdown."""
    plain = json.loads(json.dumps(value, default=str))
    return f"```yaml\n{yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=_WIDTH)}```"


def _facts(key: FileKey, l10n: Localization) -> list[str]:
    """Return list items with the values of a key, whether it is required, and the permissions that it needs."""
    facts: list[str] = []
    if key.values:
        facts.append(f"{l10n.gettext('Values')}: {', '.join(f'`{flow(value)}`' for value in key.values)}")
    if key.required:
        facts.append(l10n.gettext("required"))
    permissions = _permissions(key)
    if permissions:
        facts.append(f"{l10n.gettext('Permissions')}: {', '.join(permissions)}")
    return [*(f"- {fact}" for fact in facts), ""] if facts else []


def _permissions(key: FileKey) -> tuple[str, ...]:
    """Return the permissions that the example of a selector needs in addition to those of any policy about users."""
    from auditor.collect.sources.registry import permissions_for  # noqa: PLC0415  imports Arrow; `--help` needs none

    if key.path[:-1] != _SELECTOR or not key.examples or key.path[-1] in _COMBINATORS:
        return ()
    without_selector, with_selector = (
        permissions_for(needs(load([("example.yaml", _policy(users).encode())]).policies))
        for users in ({}, {key.path[-1]: key.examples[0]})
    )
    return tuple(permission.name for permission in with_selector if permission not in without_selector)


def _policy(users: Mapping[str, Any]) -> str:
    rule = {"id": "example", "title": "x", "severity": "info", "users": users, "assignments": {"duplicates": "deny"}}
    return json.dumps({"version": 1, "policies": [rule if users else {**rule, "users": {"accountEnabled": True}}]})


def _list_item(key: FileKey, l10n: Localization) -> str:
    required = f" ({l10n.gettext('required')})" if key.required else ""
    sentence, _, rest = key.description.partition(". ")
    return f"- `{key.path[-1]}`{required}: {sentence}{'.' if rest else ''}"
