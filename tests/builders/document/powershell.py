"""Reads PowerShell scripts by their grammar: their mistakes, their commands, and the values of their literals."""

from collections.abc import Iterator
from typing import Any

import tree_sitter_powershell
from msgspec import Struct
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_powershell.language()))
_QUOTES = "'\u2018\u2019\u201a\u201b"
_WORDS = {"$true": True, "$false": False, "$null": None}


class Command(Struct, frozen=True):
    """One call in a script."""

    name: str
    parameters: frozenset[str]
    """Without the hyphen."""
    function: str
    """The function around it; empty at the top of the script."""


class Script:
    """A script that the grammar reads without an error; raises ValueError with the places of mistakes."""

    def __init__(self, source: bytes) -> None:
        self.root = _PARSER.parse(source.removeprefix(b"\xef\xbb\xbf")).root_node
        wrong = [node for node in walk(self.root) if node.type == "ERROR" or node.is_missing]
        if wrong:
            raise ValueError([(node.start_point, _text(node)[:200]) for node in wrong])

    @property
    def literals(self) -> dict[str, Any]:
        """The variables of the top that are given a hash table or an array, with its value."""
        found: dict[str, Any] = {}
        for node in _assignments(self.root):
            name, _, value = node.children
            if single(value).type in {"hash_literal_expression", "array_expression"} and _text(single(value)) != "@{}":
                found.setdefault(_text(name), value)
        return {name: evaluate(value) for name, value in found.items() if _is_literal(value)}

    @property
    def numbers(self) -> dict[str, int]:
        """The variables of the top that are given an integer, with their first value."""
        found: dict[str, int] = {}
        for node in _assignments(self.root):
            name, _, value = node.children
            if single(value).type == "decimal_integer_literal":
                found.setdefault(_text(name), evaluate(value))
        return found

    @property
    def commands(self) -> list[Command]:
        """Every call, in order."""
        return [_command(node) for node in walk(self.root) if node.type == "command"]

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
    left = [node]
    while left:
        current = left.pop()
        yield current
        left.extend(reversed(current.children))


def single(node: Node) -> Node:
    """The first node inside that is more than a wrapping of one other."""
    inner = [child for child in node.children if child.type != "comment"]
    return single(inner[0]) if len(inner) == 1 and node.type != "hash_literal_body" else node


def evaluate(node: Node) -> Any:
    """The value of a literal; raises ValueError for anything that would have to be run."""
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
            return [each for part in node.named_children if part.type != "comment" for each in _items(part)]
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
    """What a single-quoted string is: two quotes of any kind in a row are one, the first of them."""
    inner, found, position = text[1:-1], "", 0
    while position < len(inner):
        found += inner[position]
        if inner[position] in _QUOTES:
            if inner[position + 1 : position + 2] not in set(_QUOTES):
                raise ValueError(f"a quote ends the string: {text}")
            position += 1
        position += 1
    return found


def walk_entries(node: Node) -> Iterator[Node]:
    for part in node.children:
        if part.type == "hash_literal_body":
            yield from (each for each in part.children if each.type == "hash_entry")


def _entry(node: Node) -> tuple[str, Any]:
    parts = [part for part in node.children if part.type not in {"comment", ";"}]
    key = single(parts[0])
    return _text(key) if key.type == "simple_name" else str(evaluate(key)), evaluate(parts[2])


def _items(node: Node) -> list[Any]:
    """The values of the lines of an array, or of its items on one line."""
    parts = [part for part in node.children if part.type not in {"comment", ",", ";", "\n"}]
    if node.type == "statement_list" and len(parts) > 1:
        return [each for part in parts for each in _items(part)]
    if node.type == "array_literal_expression" and len(parts) > 1:
        return [evaluate(part) for part in parts]
    if len(parts) == 1 and single(node).type != node.type and node.type != "unary_expression":
        return _items(parts[0])
    return [evaluate(node)]


def _assignments(root: Node) -> Iterator[Node]:
    for node in root.named_children:
        for each in node.named_children if node.type == "statement_list" else [node]:
            inner = single(each)
            if inner.type == "assignment_expression":
                yield inner


def _is_literal(node: Node) -> bool:
    return not any(part.type in {"command", "script_block_expression"} for part in walk(node))


def _command(node: Node) -> Command:
    name = _text(next(part for part in node.children if part.type == "command_name"))
    parts = (part for each in node.children if each.type == "command_elements" for part in each.children)
    around = node.parent
    while around is not None and around.type != "function_statement":
        around = around.parent
    function = "" if around is None else _text(next(p for p in around.children if p.type == "function_name"))
    parameters = frozenset(_text(part).lstrip("-") for part in parts if part.type == "command_parameter")
    return Command(name, parameters, function)


def _text(node: Node) -> str:
    return (node.text or b"").decode()
