"""Describes keys of the policy language, and what policy files define by name, as Markdown."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from auditor.checks.data_needs import needs
from auditor.localization import Localization
from auditor.policy.loader import load
from auditor.policy.schema.keys import Key
from auditor.policy.yaml.writer import flow

_SELECTOR: Final = ("policies", "users")
_COMBINED: Final = frozenset({"all", "any", "not", "population", "signal"})
"""Selectors that say something of other selectors, and need nothing themselves."""
_FILES: Final = {"tenants": "tenants.yaml", "policy-test": "*_test.yaml", "decisions": "decisions.yaml"}
"""Where keys are that do not belong to policy files."""
_WIDTH: Final = 76
"""Maximum line width of quoted YAML."""


def keys_markdown(keys: Sequence[Key], l10n: Localization) -> str:
    """Return what keys of one name mean; the descriptions of the schema are English."""
    name = keys[0].path[-1]
    lines = [f"# `{name}`", ""]
    for key in keys:
        file = f" ({_FILES[key.file]})" if key.file in _FILES else ""
        lines += [f"{'## ' if len(keys) > 1 else ''}`{key.dotted}`{file}", ""]
        lines += described(key, l10n)
        if key.keys:
            lines += [f"{l10n.gettext('Keys')}:", "", *(_listed(each, l10n) for each in key.keys), ""]
    return "\n".join(lines).rstrip() + "\n"


def described(key: Key, l10n: Localization) -> list[str]:
    """Return the lines that say what a key means, which values it takes, and how it is written."""
    written = [f"{key.path[-1]}: {flow(example)}" for example in key.examples]
    return [key.description, "", *_facts(key, l10n), *(["```yaml", *written, "```", ""] if written else [])]


def defined_markdown(name: str, definitions: Mapping[str, Any], l10n: Localization) -> str | None:
    """Return a contract, waiver, population or product set of policy files as they define it; None for no such name."""
    for section, title in (
        ("contracts", l10n.gettext("Contract")),
        ("waivers", l10n.gettext("Waiver")),
        ("populations", l10n.gettext("Population")),
        ("products", l10n.gettext("Product set")),
    ):
        defined = definitions.get(section) or {}
        if isinstance(defined, list):
            defined = {each["id"]: each for each in defined}
        if name in defined:
            plain = json.loads(json.dumps({section: [defined[name]]} if section in _LISTS else {name: defined[name]}))
            text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=_WIDTH).rstrip("\n")
            return f"# {title}: `{name}`\n\n```yaml\n{text}\n```\n"
    return None


_LISTS: Final = frozenset({"contracts", "waivers"})


def _facts(key: Key, l10n: Localization) -> list[str]:
    """Return the values that a key takes, whether it is required, and the permissions that it needs."""
    facts: list[str] = []
    if key.values:
        facts.append(f"{l10n.gettext('Values')}: {', '.join(f'`{flow(value)}`' for value in key.values)}")
    if key.required:
        facts.append(l10n.gettext("required"))
    permissions = _permissions(key)
    if permissions:
        facts.append(f"{l10n.gettext('Permissions')}: {', '.join(permissions)}")
    return [*(f"- {fact}" for fact in facts), ""] if facts else []


def _permissions(key: Key) -> tuple[str, ...]:
    """Return the permissions that a selector needs beside those of any policy about people, by its example."""
    from auditor.collect.sources.registry import permissions_for  # noqa: PLC0415  brings Arrow; `--help` needs none

    if key.path[:-1] != _SELECTOR or not key.examples or key.path[-1] in _COMBINED:
        return ()
    plain, asking = (
        permissions_for(needs(load([("example.yaml", _policy(users).encode())]).policies))
        for users in ({}, {key.path[-1]: key.examples[0]})
    )
    return tuple(each.name for each in asking if each not in plain)


def _policy(users: Mapping[str, Any]) -> str:
    rule = {"id": "example", "title": "x", "severity": "info", "users": users, "assignments": {"duplicates": "deny"}}
    return json.dumps({"version": 1, "policies": [rule if users else {**rule, "users": {"accountEnabled": True}}]})


def _listed(key: Key, l10n: Localization) -> str:
    needed = f" ({l10n.gettext('required')})" if key.required else ""
    sentence, _, rest = key.description.partition(". ")
    return f"- `{key.path[-1]}`{needed}: {sentence}{'.' if rest else ''}"
