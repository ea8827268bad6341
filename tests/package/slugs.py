"""Finds the slugs of messages in the code: every text passed to a parameter named `slug`."""

import ast
from collections.abc import Iterable, Iterator, Mapping

from tests.package.tree import nodes

Constants = Mapping[str, str]
"""Name → text of the module-level constants of all modules."""


def constants(trees: Mapping[str, ast.Module]) -> dict[str, str]:
    texts = {}
    for tree in trees.values():
        for node in tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                    texts[name] = text
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text))):
                    texts[name] = text
                case _:
                    pass
    return texts


def takers(trees: Mapping[str, ast.Module]) -> dict[str, int | None]:
    """Return public callable → the position of its parameter `slug`; None if it can only be passed by name."""
    all_nodes = [node for tree in trees.values() for node in nodes(tree)]
    classes = [node for node in all_nodes if isinstance(node, ast.ClassDef)]
    positions = {
        **_functions(all_nodes, private=False),
        **dict.fromkeys((c.name for c in classes if _has_field(c)), None),
    }
    errors = {"AuditorError"}
    while subclasses := {c.name for c in classes if errors & set(map(_last, c.bases))} - errors:
        errors |= subclasses
    # FaultError and InputError are created from values that already have a slug.
    return {**positions, **dict.fromkeys(errors - {"InputError", "FaultError"}, 0)}


def private_takers(tree: ast.Module) -> dict[str, int | None]:
    """Return the same for the private functions of a module, because two modules may use the same name."""
    return _functions(nodes(tree), private=True)


def _functions(candidates: Iterable[ast.AST], *, private: bool) -> dict[str, int | None]:
    positions: dict[str, int | None] = {}
    for node in candidates:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_") == private and node.name != "__init__":
            names = [argument.arg for argument in node.args.args if argument.arg not in {"self", "cls"}]
            if "slug" in names:
                positions[node.name] = names.index("slug")
    return positions


def _has_field(node: ast.ClassDef) -> bool:
    return any(
        isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.target.id == "slug"
        for item in node.body
    )


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def slugs_in_calls(
    tree: ast.Module, takers: Mapping[str, int | None], constants: Constants
) -> Iterator[tuple[int, str | None]]:
    """Yield line and text of each slug that is passed in a call; the text is None if it is computed at run time."""
    for node in nodes(tree):
        if not isinstance(node, ast.Call) or _last(node.func) not in takers:
            continue
        position = takers[_last(node.func)]
        keyword_values = [keyword.value for keyword in node.keywords if keyword.arg == "slug"]
        positional = [] if position is None else node.args[position : position + 1]
        for value in [*keyword_values, *positional]:
            for part in [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]:
                match part:
                    case ast.Constant(value=str(text)):
                        yield node.lineno, text
                    case ast.Name(id=name) if name in constants:
                        yield node.lineno, constants[name]
                    case ast.Name(id="slug"):
                        pass
                    case _:
                        yield node.lineno, None
