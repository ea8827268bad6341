"""Resolves `extends`: policies of the starter library or of a folder, with a pinned digest and local changes."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

import yaml as pyyaml
from msgspec import Struct, field

from auditor.domain.errors import AuditorError, Span
from auditor.domain.message import Message
from auditor.policy.documents import digest_of, read_documents, root_of
from auditor.policy.nodes import BROKEN, Diagnostics, Node
from auditor.policy.schema.recovery import Gaps
from auditor.policy.yaml.reader import Document, Path

STARTER: Final = "starter@"
"""Prefix of the `from` of the starter library; its version follows."""
_REPLACED_SECTIONS: Final = ("populations", "products")
"""Sections in which a change replaces the complete definition of a name."""
_REPLACED_KEYS: Final = frozenset({"users", "references"})
"""Keys of a policy that a change replaces completely; mappings under other keys are merged key by key."""


class Base(Struct, frozen=True, kw_only=True):
    """The policy files that a file extends."""

    files: tuple[tuple[str, bytes], ...]
    version: str | None = None
    """Version of the starter library; None for a folder."""
    schema_checked: bool = False
    """Whether the files are known to fit the schema."""


Bases = Callable[[str, str], Base]
"""Finds a base, given the name of the extending file and its `from`; raises AuditorError if there is none."""

Origins = dict[Path, tuple[Document, Path]]
"""Path of a value → the document and the path in which it was written."""
_NO_NODE: Final = pyyaml.ScalarNode("", "")


@dataclasses.dataclass(frozen=True, slots=True)
class ChangedDocument(Document):
    """A document of a base with changes applied; the span of each value is where it was written."""

    _root: pyyaml.Node = dataclasses.field(repr=False, compare=False, default=_NO_NODE)
    _lines: tuple[str, ...] = dataclasses.field(repr=False, compare=False, default=())
    base: Document = dataclasses.field(kw_only=True)
    origins: Origins = dataclasses.field(kw_only=True)

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Return the span of the value at `path`, or of its key, in the file in which it was written."""
        for length in range(len(path), 0, -1):
            origin = self.origins.get(path[:length])
            if origin is not None:
                return origin[0].span((*origin[1], *path[length:]), key=key)
        return self.base.span(path, key=key)


class Extensions(Struct, kw_only=True):
    """Reads the bases that files extend, applies the changes of the files, and collects mistakes."""

    bases: Bases | None
    """None if bases cannot be found, as for the policies in a saved result."""
    diagnostics: Diagnostics
    gaps: Gaps
    loaded: AbstractSet[str]
    """Names of the files that were loaded directly."""
    files: set[str] = field(default_factory=set)
    """Names of the files of all bases."""
    changed: dict[str, str] = field(default_factory=dict)
    """Policy id → the file that changes it."""
    _bases_read: set[frozenset[str]] = field(default_factory=set)

    def roots(self, files: Iterable[Node], ancestors: tuple[frozenset[str], ...] = ()) -> list[Node]:
        """Return the roots of all bases of some files, with changes applied.

        `ancestors` has the file names of the bases that are being read.
        """
        roots: list[Node] = []
        for root in files:
            if root.has("extends"):
                roots += self._roots(root["extends"], ancestors)
        return roots

    def _roots(self, node: Node, ancestors: tuple[frozenset[str], ...]) -> list[Node]:
        base = self._base(node, ancestors)
        if base is None:
            self.gaps.anything = self.gaps.sections = True  # it may define any name
            return []
        documents, roots, mistakes = read_documents(
            base.files, self.gaps, schema_checked=base.schema_checked, limit_size=True
        )
        errors_before = len(self.diagnostics.items)
        self.diagnostics.items.extend(mistakes)
        names = frozenset(name for name, _ in base.files)
        self.files |= names
        roots = [*self.roots(roots, (*ancestors, names)), *roots]
        if not mistakes:
            self._check_pin(node, base, digest_of(documents))
        if len(self.diagnostics.items) > errors_before:  # changes of an incomplete base would cause more errors
            self.gaps.anything = self.gaps.sections = True
            return roots
        return list(self._changed_roots(node, roots))

    def _base(self, node: Node, ancestors: tuple[frozenset[str], ...]) -> Base | None:
        origin = node["from"]
        if self.bases is None:
            self.diagnostics.error("extends-missing", Message("nothing can be extended here"), origin)
            return None
        try:
            base = self.bases(node.document.file, str(origin.value))
        except AuditorError as error:
            for item in error.diagnostics:
                self.diagnostics.error("extends-missing", item.message, origin, item.hint)
            return None
        names = frozenset(name for name, _ in base.files)
        if names in ancestors or names & self.loaded:
            self.diagnostics.error(
                "extends-circular",
                Message("'{location}' is already loaded with this file", location=origin.value),
                origin,
                Message(
                    "specify another folder: not the one of this file, none above it, and none that extends this file"
                ),
            )
            return None
        if names in self._bases_read:
            self.diagnostics.error(
                "extends-twice",
                Message("'{location}' is extended twice", location=origin.value),
                origin,
                Message("write all changes into one file"),
            )
            return None
        self._bases_read.add(names)
        return base

    def _check_pin(self, node: Node, base: Base, digest: str) -> None:
        """Report the version or digest of a base if it is not as pinned."""
        origin = node["from"]
        version = str(origin.value).removeprefix(STARTER)
        if base.version is not None and base.version != version:
            self.diagnostics.error(
                "extends-version",
                Message(
                    "the policies extend starter@{wanted}, and version {installed} is installed",
                    wanted=version,
                    installed=base.version,
                ),
                origin,
                Message("`auditor policies update` shows what changes; or install version {wanted}", wanted=version),
            )
        elif not node.has("digest"):
            self.diagnostics.error(
                "extends-digest",
                Message("'extends' has no digest for '{location}'", location=origin.value),
                node,
                Message("write `digest: {digest}`", digest=digest),
            )
        elif node["digest"].value != digest:
            self.diagnostics.error(
                "extends-digest",
                Message("the content of '{location}' does not match this digest", location=origin.value),
                node["digest"],
                Message("review what changed there, then write `digest: {digest}`", digest=digest),
            )

    def _changed_roots(self, node: Node, roots: Sequence[Node]) -> Iterator[Node]:
        """Yield the roots of a base with the changes of a file applied; changes of unknown names are reported."""
        left_out = list(node.each_of("leaveOut"))
        changes = dict(node["policies"].items()) if node.has("policies") else {}
        ids = {str(item["id"]) for root in roots for _, item in _policies(root)}
        for item in left_out:
            self._check_name(str(item.value), ids, item.span(), "policy")
        for id_, change in changes.items():
            self._check_name(id_, ids, change.span(key=True), "policy")
            self.changed[id_] = node.document.file
            if any(item.value == id_ for item in left_out):
                self.diagnostics.error(
                    "extends-unknown",
                    Message("the policy '{id}' is both left out and changed", id=id_),
                    change.span(key=True),
                    Message("remove it from `leaveOut`, or from `policies`"),
                )
        replaced = {key: dict(node[key].items()) if node.has(key) else {} for key in _REPLACED_SECTIONS}
        for key, replacements in replaced.items():
            names = {name for root in roots if root.has(key) for name in root.value[key]}
            for name, change in replacements.items():
                self._check_name(name, names, change.span(key=True), key)
        removed = {str(item.value) for item in left_out}
        for root in roots:
            changed = self._with_changes(root, removed, changes, replaced)
            if changed is not None:
                yield changed

    def _check_name(self, name: str, names: set[str], span: Span, kind: str) -> None:
        if name in names:
            return
        message = (
            Message("the extended policies have no policy '{name}'", name=name)
            if kind == "policy"
            else Message("the extended policies define no '{name}' in `{kind}`", name=name, kind=kind)
        )
        otherwise = Message("remove it, or write it outside of `extends`")
        hint = self.diagnostics.hints.did_you_mean(name, names, otherwise)
        self.diagnostics.error("extends-unknown", message, span, hint)

    def _with_changes(
        self, root: Node, removed: set[str], changes: Mapping[str, Node], replaced: Mapping[str, Mapping[str, Node]]
    ) -> Node | None:
        """Return a root with removed policies left out and changes applied; None if nothing is left."""
        value = dict(root.value)
        origins: Origins = {}
        policies: list[Any] = []
        for index, item in _policies(root):
            if str(item["id"]) in removed:
                continue
            path: Path = ("policies", len(policies))
            origins[path] = (root.document, ("policies", index))
            change = changes.get(str(item["id"]))
            policies.append(item if change is None else _merge(item, change, path, origins, origins[path], top=True))
        if "policies" in value:
            value["policies"] = policies
            if not policies:
                del value["policies"]
        if removed and "waivers" in value:
            value["waivers"] = _waivers_without(root, removed, origins)
            if not value["waivers"]:
                del value["waivers"]
        for key, replacements in replaced.items():
            for name in replacements.keys() & value.get(key, {}).keys():
                value[key] = {**value[key], name: replacements[name].value}
                origins[key, name] = (replacements[name].document, replacements[name].path)
        if value.keys() <= {"version", "extends"}:
            return None
        document = ChangedDocument(root.document.file, value, base=root.document, origins=origins)
        if not any(str(item["id"]) in changes for item in policies):
            return Node(document, (), value)
        node, mistakes = root_of(document, self.gaps)
        self.diagnostics.items.extend(mistakes)
        return node


def _policies(root: Node) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the index and the value of each policy of a file."""
    for index, item in enumerate(root.value.get("policies") or ()):
        if item is not BROKEN:
            yield index, item


def _waivers_without(root: Node, removed: set[str], origins: Origins) -> list[Any]:
    """Return the waivers of a file without policies that are left out; a waiver for no other policy is left out too."""
    kept: list[Any] = []
    for index, item in enumerate(root.value["waivers"]):
        path: Path = ("waivers", len(kept))
        waiver, names = item, item["policies"] if item is not BROKEN else None
        if isinstance(names, list) and not removed.isdisjoint(map(str, names)):
            positions = [position for position, name in enumerate(names) if str(name) not in removed]
            if not positions:
                continue
            waiver = {**item, "policies": [names[position] for position in positions]}
            for step, position in enumerate(positions):
                origins[*path, "policies", step] = (root.document, ("waivers", index, "policies", position))
        origins[path] = (root.document, ("waivers", index))
        kept.append(waiver)
    return kept


def _merge(
    value: Mapping[str, Any],
    change: Node,
    path: Path,
    origins: Origins,
    base: tuple[Document, Path],
    *,
    top: bool = False,
) -> dict[str, Any]:
    """Return a mapping with a change applied: mappings are merged, null removes a key, any other value replaces it.

    `base` is where the mapping was written.
    """
    merged = dict(value)
    for key, node in change.items():
        before = merged.get(key)
        if node.value is None:
            merged.pop(key, None)
        elif isinstance(before, Mapping) and isinstance(node.value, Mapping) and not (top and key in _REPLACED_KEYS):
            merged[key] = _merge(before, node, (*path, key), origins, (base[0], (*base[1], key)))
        else:
            merged[key] = node.value
            origins[*path, key] = (node.document, node.path)
    if not top and any(node.value is None for _, node in change.items()):  # an error about the rest is in the change
        origins[path] = (change.document, change.path)
        for key in merged:
            origins.setdefault((*path, key), (base[0], (*base[1], key)))
    return merged
