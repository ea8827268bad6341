"""Parses PowerShell scripts: syntax errors, commands, and the values of literals."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tree_sitter_powershell
from msgspec import Struct
from tree_sitter import Language, Node, Parser

CMDLETS = json.loads(Path(__file__).with_name("cmdlets.json").read_text(encoding="utf-8"))
_PARSER = Parser(Language(tree_sitter_powershell.language()))
_QUOTES = "'\u2018\u2019\u201a\u201b"
_WORDS = {"$true": True, "$false": False, "$null": None}


class Command(Struct, frozen=True):
    """A command call in a script."""

    name: str
    parameters: frozenset[str]
    """Names of the parameters, without the hyphen."""


class Script:
    """A script without syntax errors; raises ValueError with the positions of errors."""

    def __init__(self, source: bytes) -> None:
        self.root = _PARSER.parse(source.removeprefix(b"\xef\xbb\xbf")).root_node
        errors = [node for node in walk(self.root) if node.type == "ERROR" or node.is_missing]
        if errors:
            raise ValueError([(node.start_point, _text(node)[:200]) for node in errors])

    @property
    def literals(self) -> dict[str, Any]:
        """The top-level variables that are assigned a literal hash table or array, with its value."""
        assigned: dict[str, Any] = {}
        for node in _assignments(self.root):
            name, _, value = node.children
            if single(value).type in {"hash_literal_expression", "array_expression"} and _text(single(value)) != "@{}":
                assigned.setdefault(_text(name), value)
        return {name: evaluate(value) for name, value in assigned.items() if _is_literal(value)}

    @property
    def commands(self) -> list[Command]:
        """All command calls in order."""
        return [_command(node) for node in walk(self.root) if node.type == "command"]

    def undocumented(self, *programs: str) -> list[Command]:
        """Return the calls of unknown commands, and those of cmdlets with undocumented parameters."""
        known, cmdlets = {*self.functions, *CMDLETS["builtIn"], *programs}, CMDLETS["cmdlets"]
        calls = [command for command in self.commands if command.name not in known]
        return [
            call
            for call in calls
            if call.name not in cmdlets
            or not call.parameters <= {*CMDLETS["common"], *cmdlets[call.name]["parameters"]}
        ]

    @property
    def texts(self) -> list[str]:
        """The values of the single-quoted strings in order. Raises ValueError for a string in which code would run."""
        return [unquoted(_text(node)) for node in walk(self.root) if node.type == "verbatim_string_characters"]

    @property
    def functions(self) -> dict[str, Node]:
        """The functions by name."""
        return {
            _text(next(part for part in node.children if part.type == "function_name")): node
            for node in walk(self.root)
            if node.type == "function_statement"
        }

    @property
    def comments(self) -> list[str]:
        """The comments in order."""
        return [_text(node) for node in walk(self.root) if node.type == "comment"]


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it, each before its children."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


def single(node: Node) -> Node:
    """Return the first descendant that does not merely wrap a single other node."""
    inner = [child for child in node.children if child.type != "comment"]
    return single(inner[0]) if len(inner) == 1 and node.type != "hash_literal_body" else node


def evaluate(node: Node) -> Any:
    """Return the value of a literal; raises ValueError for anything that would have to be executed."""
    node = single(node)
    text = _text(node)
    match node.type:
        case "verbatim_string_characters":
            return unquoted(text)
        case "decimal_integer_literal":
            return int(text)
        case "expression_with_unary_operator":
            return -int(evaluate(node.children[1]))
        case "hexadecimal_integer_literal":
            return int(text, 16)
        case "variable" if text in _WORDS:
            return _WORDS[text]
        case "hash_literal_expression":
            return dict(_entry(part) for part in walk_entries(node))
        case "array_expression":
            return [item for part in node.named_children if part.type != "comment" for item in _items(part)]
        case "cast_expression":
            kind, value = node.children
            return chr(evaluate(value)) if _text(kind) == "[char]" else evaluate(value)
        case "parenthesized_expression":
            return evaluate(node.children[1])
        case "additive_expression":
            return str(evaluate(node.children[0])) + str(evaluate(node.children[2]))
        case _:
            raise ValueError(f"{node.type}: {text}")


def unquoted(text: str) -> str:
    """Return the value of a single-quoted string; two adjacent quotes of any kind stand for the first of them."""
    inner, value, position = text[1:-1], "", 0
    while position < len(inner):
        value += inner[position]
        if inner[position] in _QUOTES:
            if inner[position + 1 : position + 2] not in set(_QUOTES):
                raise ValueError(f"a quote ends the string: {text}")
            position += 1
        position += 1
    return value


def walk_entries(node: Node) -> Iterator[Node]:
    for part in node.children:
        if part.type == "hash_literal_body":
            yield from (entry for entry in part.children if entry.type == "hash_entry")


def _entry(node: Node) -> tuple[str, Any]:
    parts = [part for part in node.children if part.type not in {"comment", ";"}]
    key = single(parts[0])
    return _text(key) if key.type == "simple_name" else str(evaluate(key)), evaluate(parts[2])


def _items(node: Node) -> list[Any]:
    """Return the values of the lines of an array, or of its items on one line."""
    parts = [part for part in node.children if part.type not in {"comment", ",", ";", "\n"}]
    if node.type == "statement_list" and len(parts) > 1:
        return [item for part in parts for item in _items(part)]
    if node.type == "array_literal_expression" and len(parts) > 1:
        return [evaluate(part) for part in parts]
    if len(parts) == 1 and single(node).type != node.type and node.type != "unary_expression":
        return _items(parts[0])
    return [evaluate(node)]


def _assignments(root: Node) -> Iterator[Node]:
    for node in root.named_children:
        for statement in node.named_children if node.type == "statement_list" else [node]:
            inner = single(statement)
            if inner.type == "assignment_expression":
                yield inner


def _is_literal(node: Node) -> bool:
    return not any(part.type in {"command", "script_block_expression"} for part in walk(node))


def _command(node: Node) -> Command:
    name = _text(next(part for part in node.children if part.type == "command_name"))
    parts = (part for child in node.children if child.type == "command_elements" for part in child.children)
    parameters = frozenset(_text(part).lstrip("-") for part in parts if part.type == "command_parameter")
    return Command(name, parameters)


def _text(node: Node) -> str:
    return (node.text or b"").decode()
