"""Lists the keys of files that people write, with their descriptions in the schemas."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from msgspec import Struct

from auditor.policy.schema.check import SchemaName, schema_document

_FILES: Final[tuple[SchemaName, ...]] = ("policy", "tenants", "policy-test", "decisions")
"""The files that people write. A name is searched in the first two, and in the others only if it is not found."""
_FIRST: Final = ("policies", "products", "waivers", "contracts", "prices", "defaults")
"""Keys of a file that are read first: a definition that is used in several places is listed at the first one."""


class FileKey(Struct, frozen=True, kw_only=True):
    """A key of a file."""

    file: SchemaName
    path: tuple[str, ...]
    """The keys from the top of the file to this key; lists are left out: `("policies", "users", "inactiveIn")`."""
    description: str
    values: tuple[Any, ...]
    """The only values that it accepts; empty if it accepts others."""
    examples: tuple[Any, ...]
    keys: tuple["FileKey", ...]
    """The keys of its value."""
    required: bool
    """Whether its mapping is invalid without it; False in a mapping that is one of several forms."""

    @property
    def dotted(self) -> str:
        """The path, its parts joined by dots."""
        return ".".join(self.path)


def written_keys() -> tuple[FileKey, ...]:
    """Return every key of the files that people write."""
    return tuple(key for file in _FILES for key in all_keys(file))


@cache
def all_keys(name: SchemaName) -> tuple[FileKey, ...]:
    """Return every key of a kind of file, each before the keys of its value; a shared definition is listed once."""
    return tuple(_flatten(top_keys(name), set()))


@cache
def top_keys(name: SchemaName) -> tuple[FileKey, ...]:
    """Return the keys at the top of a kind of file."""
    return _KeyReader(name).top()


def keys_named(name: str) -> tuple[FileKey, ...]:
    """Return the keys with a name, or whose path ends with a dotted path, ignoring letter case."""
    suffix = tuple(name.casefold().split("."))
    keys = tuple(key for key in written_keys() if tuple(map(str.casefold, key.path))[-len(suffix) :] == suffix)
    return tuple(key for key in keys if key.file in _FILES[:2]) or keys


def _flatten(keys: tuple[FileKey, ...], seen: set[str]) -> Iterator[FileKey]:
    for key in keys:
        if key.dotted not in seen:
            seen.add(key.dotted)
            yield key
            yield from _flatten(key.keys, seen)


class _KeyReader:
    """Reads the keys of a schema from the top; every definition is read once."""

    def __init__(self, file: SchemaName) -> None:
        self._file: SchemaName = file
        self._schema: Mapping[str, Any] = schema_document(file)
        self._cache: dict[str, tuple[FileKey, ...]] = {}

    def top(self) -> tuple[FileKey, ...]:
        named = self._schema["properties"]
        ordered = {name: named[name] for name in (*_FIRST, *named) if name in named}
        return self._keys({"properties": ordered}, ())

    def _keys(self, node: Mapping[str, Any], path: tuple[str, ...]) -> tuple[FileKey, ...]:
        """Return the keys of a mapping, and of mappings in lists or under arbitrary names in it."""
        keys = {name: self._key(node, name, (*path, name)) for name in node.get("properties", {})}
        for part in (node.get("items"), node.get("additionalProperties")):
            for key in self._value_keys(part, path) if isinstance(part, dict) else ():
                keys.setdefault(key.path[-1], key)
        return tuple(keys.values())

    def _key(self, node: Mapping[str, Any], name: str, path: tuple[str, ...]) -> FileKey:
        schema = node["properties"][name]
        definition = self._schema["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else {}
        member = {**definition, **schema}
        return FileKey(
            file=self._file,
            path=path,
            description=schema.get("description", ""),
            values=tuple(member["enum"]) if "enum" in member else (member["const"],) if "const" in member else (),
            examples=tuple(member.get("examples", ())),
            keys=self._value_keys(schema, path),
            required=node.get("type") == "object" and name in node.get("required", ()),
        )

    def _value_keys(self, node: Mapping[str, Any], path: tuple[str, ...]) -> tuple[FileKey, ...]:
        if "$ref" not in node:
            return self._keys(node, path)
        name = node["$ref"].rpartition("/")[2]
        if name not in self._cache:
            self._cache[name] = ()  # stops the recursion for a selector inside a selector
            self._cache[name] = self._keys(self._schema["$defs"][name], path)
        return self._cache[name]
