"""Reads a YAML 1.2 file into plain values, and maps paths of values to spans of the text."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml as pyyaml
from msgspec import Struct
from yaml._yaml import CParser

from auditor.domain.errors import Diagnostic, InputError, Span
from auditor.domain.message import Count, Message
from auditor.policy.yaml import characters, messages, scalars
from auditor.policy.yaml.messages import mistake

MAX_BYTES: Final = 1 << 20
MAX_NODES: Final = 100_000
MAX_DEPTH: Final = 64

Path = tuple[str | int, ...]

_PLAIN: Final = "plain"
_QUOTED: Final = "quoted"
_CORE: Final = "tag:yaml.org,2002:"


class ListEnd(Struct, frozen=True, kw_only=True):
    """The position at which items can be added to a list: the start of a line, or a column in it (from 0)."""

    line: int
    column: int
    flow: bool
    """Whether the list is in flow style: `[a, b]`."""
    items: int
    indent: int
    """Number of columns before the dash of an item of a block list."""


@dataclass(frozen=True, slots=True)
class Document:
    """The single document of a file."""

    file: str
    value: object
    """dict, list, str, int, float, bool or None; the keys of a dict are text."""
    _root: pyyaml.Node = field(repr=False, compare=False)
    _lines: tuple[str, ...] = field(repr=False, compare=False)
    _members: dict[int, dict[str, tuple[pyyaml.Node, pyyaml.Node]]] = field(
        repr=False, compare=False, default_factory=dict
    )
    """Cached keys of mappings, so that looking up many spans is as fast as looking up few."""

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Return the span of the value at `path`, or of its key.

        A path that does not exist gives the span of the deepest value that exists.
        """
        node, name = self._root, None
        for step in path:
            child = self._child(node, step)
            if child is None:
                name = None
                break
            name, node = child
        return _span(self.file, self._lines, name if key and name is not None else node)

    def end_of(self, path: Path) -> "ListEnd | None":
        """Return the position at which items can be added to the list at `path`; None if there is no such list."""
        node = self._root
        for step in path:
            child = self._child(node, step)
            if child is None:
                return None
            node = child[1]
        if not isinstance(node, pyyaml.SequenceNode):
            return None
        if node.flow_style:
            end = node.end_mark
            return ListEnd(line=end.line, column=end.column, flow=True, items=len(node.value), indent=0)
        indent = node.start_mark.column
        last: Any = node
        # The end of a block collection is after the comments that follow it; the end of its last scalar is before them.
        while not isinstance(last, pyyaml.ScalarNode) and not last.flow_style and last.value:
            last = last.value[-1] if isinstance(last, pyyaml.SequenceNode) else last.value[-1][1]
        end = last.end_mark
        line = end.line + 1 if end.column else end.line
        return ListEnd(line=line, column=0, flow=False, items=len(node.value), indent=indent)

    def _child(self, node: pyyaml.Node, step: str | int) -> tuple[pyyaml.Node | None, pyyaml.Node] | None:
        """Return the nodes of the key and the value at `step`."""
        match node, step:
            case pyyaml.MappingNode(), str():
                members = self._members.get(id(node))
                if members is None:
                    # If a key occurs twice, the first one is used.
                    texts = ((key, value) for key, value in reversed(node.value) if isinstance(key, pyyaml.ScalarNode))
                    members = self._members[id(node)] = {key.value: (key, value) for key, value in texts}
                return members.get(step)
            case pyyaml.SequenceNode(), int() if 0 <= step < len(node.value):
                return None, node.value[step]
            case _:
                return None


def parse(text: bytes | str, *, file: str, limit_size: bool = True) -> Document:
    """Return the document in `text`; `file` is its name in messages.

    Without `limit_size`, the size is not limited, as for text that the program itself merged from many files. Raises
    InputError with every mistake that can be detected at once.
    """
    if limit_size and len(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise too_large(file)
    checked = characters.decode(text, file)
    lines = tuple(re.split("\r\n|\r|\n", checked))  # as YAML 1.2 counts them
    lines = lines if lines[-1] else lines[:-1]
    _reject_other_versions(file, lines)
    root = _compose(characters.join_surrogates(checked), file, lines)
    if root is None or (root.tag == _PLAIN and root.value == ""):
        message = Message("the file is empty") if not checked.strip() else Message("the file has nothing but comments")
        hint = Message("write 'version: 1' and what the file defines, or delete the file")
        raise mistake("yaml-empty", message, messages.at(file, lines, line=0, column=0), hint)
    builder = _Builder(file, lines, max_nodes=MAX_NODES if limit_size else None)
    value = builder.value(root)
    if builder.problems:
        raise InputError(builder.problems)
    return Document(file, value, root, lines)


class _TooDeepError(Exception):
    """Raised with the mark of a collection that nests too deeply."""


class _Composer(CParser):
    """Composes nodes whose tag is `plain`, `quoted` or the explicit tag, and limits their depth.

    The limit is necessary because the C composer recurses: a file of brackets would crash the process.
    """

    depth = 0

    def resolve(self, kind: type[pyyaml.Node], _value: object, implicit: tuple[bool, bool] | bool) -> str:  # noqa: FBT001
        return _PLAIN if kind is not pyyaml.ScalarNode or (isinstance(implicit, tuple) and implicit[0]) else _QUOTED

    def descend_resolver(self, parent: pyyaml.Node | None, _index: object) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH and parent is not None:
            raise _TooDeepError(parent.start_mark)

    def ascend_resolver(self) -> None:
        self.depth -= 1


class _Builder:
    """Builds plain values from nodes, and collects mistakes."""

    def __init__(self, file: str, lines: tuple[str, ...], *, max_nodes: int | None) -> None:
        self.problems: list[Diagnostic] = []
        self._file = file
        self._lines = lines
        self._max_nodes = max_nodes
        self._count = 0
        self._ancestors: set[int] = set()

    def value(self, node: pyyaml.Node) -> object:
        """Return the value of a node; aliases are expanded, so the limit on nodes applies to the expanded value."""
        self._count += 1
        if self._max_nodes is not None and self._count > self._max_nodes:
            hint = Message("split the file; every use of an alias is counted")
            raise mistake(
                "yaml-too-large",
                Message("the file has more than {most} values", most=Count(self._max_nodes)),
                self._span(node),
                hint,
            )
        if isinstance(node, pyyaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._ancestors:
            message = Message("the value contains itself through an alias")
            self._report("yaml-alias", message, node, Message("replace the alias with the value"))
            return None
        self._ancestors.add(id(node))
        try:
            return self._mapping(node) if isinstance(node, pyyaml.MappingNode) else self._sequence(node)
        finally:
            self._ancestors.discard(id(node))

    def _scalar(self, node: pyyaml.ScalarNode) -> object:
        text: str = node.value
        if node.tag == _QUOTED:
            return text
        try:
            if node.tag == _PLAIN:
                return scalars.plain(text)
            kind = self._core_kind(node, ("str", "int", "float", "bool", "null"))
            return None if kind is None else scalars.tagged(text, kind)
        except scalars.UnusableNumberError:
            self._report(
                "yaml-number",
                Message("{text} is not a number that can be represented exactly", text=text),
                node,
                Message("put it in quotes if it is text"),
            )
        except ValueError:
            self._report(
                "yaml-tag",
                Message("'{text}' does not match its tag '{tag}'", text=text, tag=_short_tag(node.tag)),
                node,
            )
        return None

    def _sequence(self, node: pyyaml.Node) -> list[object]:
        if node.tag != _PLAIN:
            self._core_kind(node, ("seq",))
        return [self.value(item) for item in node.value]

    def _mapping(self, node: pyyaml.Node) -> dict[str, object]:
        if node.tag != _PLAIN:
            self._core_kind(node, ("map",))
        result: dict[str, object] = {}
        first: dict[str, pyyaml.Node] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            value = self.value(value_node)
            if key is None:
                continue
            if key in first:
                line = first[key].start_mark.line + 1
                message = Message(
                    "the key {key} appears twice, first on line {line}", key=messages.quoted(key), line=line
                )
                self._report("yaml-duplicate-key", message, key_node, Message("keep one of them"))
                continue
            first[key] = key_node
            result[key] = value
        return result

    def _key(self, node: pyyaml.Node) -> str | None:
        if node.tag == _PLAIN and node.value == "<<":
            hint = Message("write the keys out, or define a population and refer to it")
            self._report("yaml-merge-key", Message("merge keys ('<<') are not part of YAML 1.2"), node, hint)
            return None
        problems = len(self.problems)
        key = self.value(node)
        if isinstance(key, str):
            return key
        if len(self.problems) == problems:
            text = node.value if isinstance(node, pyyaml.ScalarNode) else ""
            before = self._lines[node.start_mark.line][: node.start_mark.column]
            message = Message("a key must be text, not {key}", key=messages.value_description(key))
            self._report("yaml-key", message, node, messages.key_hint(text, before))
        return None

    def _core_kind(self, node: pyyaml.Node, kinds: tuple[str, ...]) -> str | None:
        """Return the kind of an explicit tag; a tag that is not one of `kinds` is reported, and None is returned."""
        kind = node.tag.removeprefix(_CORE)
        if node.tag.startswith(_CORE) and kind in kinds:
            return str(kind)
        self._report(
            "yaml-tag",
            Message("the tag '{tag}' is not supported here", tag=_short_tag(node.tag)),
            node,
            Message("leave it out"),
        )
        return None

    def _report(self, slug: str, message: Message, node: pyyaml.Node, hint: Message | None = None) -> None:
        self.problems.append(Diagnostic(slug=slug, message=message, span=self._span(node), hint=hint))

    def _span(self, node: pyyaml.Node) -> Span:
        return _span(self._file, self._lines, node)


def _compose(text: str, file: str, lines: tuple[str, ...]) -> pyyaml.Node | None:
    placeholders = characters.placeholders(text)
    composer = _Composer(text.translate(placeholders))
    try:
        return characters.restore(composer.get_single_node(), placeholders)
    except _TooDeepError as error:
        mark = error.args[0]
        span = messages.at(file, lines, line=mark.line, column=mark.column)
        raise mistake(
            "yaml-too-deep",
            Message("values are nested more than {deepest} deep", deepest=MAX_DEPTH),
            span,
            Message("use less nesting, for example with named populations or product sets"),
        ) from None
    except pyyaml.MarkedYAMLError as error:
        raise InputError([messages.syntax(error, file=file, lines=lines)]) from None
    finally:
        composer.dispose()


def too_large(file: str) -> InputError:
    """Return the error for a file of more than MAX_BYTES bytes."""
    start = Span(file=file, line=1, column=1)
    return mistake(
        "yaml-too-large",
        Message("the file is larger than {most_bytes} bytes", most_bytes=Count(MAX_BYTES)),
        start,
        Message("split the file"),
    )


def _reject_other_versions(file: str, lines: tuple[str, ...]) -> None:
    """Reject `%YAML 1.1`, in which NO means false."""
    for number, line in enumerate(lines):
        if line.startswith("%YAML"):
            if line.split("#")[0].split() != ["%YAML", "1.2"]:
                span = messages.at(file, lines, line=number, column=0)
                raise mistake(
                    "yaml-version",
                    Message("files are YAML 1.2"),
                    span,
                    Message("write '%YAML 1.2', or leave the line out"),
                )
        elif line.strip() and not line.startswith(("#", "%")):
            return


def _span(file: str, lines: tuple[str, ...], node: pyyaml.Node) -> Span:
    start, end = node.start_mark, node.end_mark
    last = end.column if end.line == start.line and end.column > start.column else None
    return messages.at(file, lines, line=start.line, column=start.column, end=last)


def _short_tag(tag: str) -> str:
    return "!!" + tag.removeprefix(_CORE) if tag.startswith(_CORE) else tag
