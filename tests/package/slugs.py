"""Finds the slugs of messages in the code: every text passed to a parameter named `slug`."""

import ast
from collections.abc import Iterable, Iterator, Mapping

from tests.package.tree import nodes

Constants = Mapping[str, str]
"""Module-level texts by their name, of the whole package."""


def constants(trees: Mapping[str, ast.Module]) -> dict[str, str]:
    found = {}
    for tree in trees.values():
        for node in tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                    found[name] = text
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text))):
                    found[name] = text
                case _:
                    pass
    return found


def takers(trees: Mapping[str, ast.Module]) -> dict[str, int | None]:
    """Return the public callables with a parameter `slug`, with its position; None where it goes by name only."""
    every = [node for tree in trees.values() for node in nodes(tree)]
    classes = [node for node in every if isinstance(node, ast.ClassDef)]
    found = {**_functions(every, private=False), **dict.fromkeys((c.name for c in classes if _has_field(c)), None)}
    families = {"AuditorError"}
    while grown := {c.name for c in classes if families & set(map(_last, c.bases))} - families:
        families |= grown
    # FaultError and InputError are made of values that hold a slug already.
    return {**found, **dict.fromkeys(families - {"InputError", "FaultError"}, 0)}


def own_takers(tree: ast.Module) -> dict[str, int | None]:
    """Return the same of a module's private functions: two modules may use one name."""
    return _functions(nodes(tree), private=True)


def _functions(every: Iterable[ast.AST], *, private: bool) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for node in every:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_") == private and node.name != "__init__":
            names = [argument.arg for argument in node.args.args if argument.arg not in {"self", "cls"}]
            if "slug" in names:
                found[node.name] = names.index("slug")
    return found


def _has_field(node: ast.ClassDef) -> bool:
    return any(
        isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.target.id == "slug"
        for item in node.body
    )


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def written(tree: ast.Module, takers: Mapping[str, int | None], known: Constants) -> Iterator[tuple[int, str | None]]:
    """Yield each slug that a call gives, with its line; None where it is made at run time."""
    for node in nodes(tree):
        if not isinstance(node, ast.Call) or _last(node.func) not in takers:
            continue
        position = takers[_last(node.func)]
        named = [keyword.value for keyword in node.keywords if keyword.arg == "slug"]
        placed = [] if position is None else node.args[position : position + 1]
        for value in [*named, *placed]:
            for part in [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]:
                match part:
                    case ast.Constant(value=str(text)):
                        yield node.lineno, text
                    case ast.Name(id=name) if name in known:
                        yield node.lineno, known[name]
                    case ast.Name(id="slug"):
                        pass
                    case _:
                        yield node.lineno, None
