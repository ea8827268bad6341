"""The errors of the program, read out of its code: every text that says what is wrong, its values named.

`f"{path} cannot be read: {error.strerror}"` is the message `{path} cannot be read: {strerror}`. A text with a choice in it
is one message for each outcome.
"""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import product

from tests.package.tree import ROOT, modules

ELSEWHERE = {
    "auditor/app/docs_pages.py": "makes pages of docs/, which are in English",
    "auditor/app/guidance_freshness.py": "lists what maintainers have to check, in English",
    "auditor/checks/": "marked where it stands; auditor/wording/told.py has the reasons",
    "auditor/cli/shared_options.py": "the help of options",
    "auditor/demo/": "people and places of invented tenants",
    "auditor/domain/": "values; an error says what it was given",
    "auditor/collect/tables/timestamps.py": "becomes a number that is not known",
    "auditor/engine/": "auditor/wording/told.py has its sentences whole",
    "auditor/graph/sdk.py": "headers of requests",
    "auditor/graph/requests.py": "requests",
    "auditor/guidance/": "what is wrong with the articles of the package itself: a test reads them all",
    "auditor/history/night_diff.py": "auditor/wording/told.py has its sentences",
    "auditor/history/forecast.py": "auditor/wording/told.py has its sentences",
    "auditor/history/trends.py": "auditor/wording/told.py has its sentences; the rest is SQL",
    "auditor/import_block.py": "a mistake of the program",
    "auditor/remedy/planner/simulation.py": "what Microsoft Graph answers",
    "auditor/remedy/actions/article_markdown.py": "the keys of policies",
    "auditor/remedy/requests.py": "commands",
    "auditor/remedy/planner/draft.py": "what Microsoft Graph answers",
    "auditor/remedy/planner/group_changes.py": "a key",
    "auditor/remedy/planner/milp.py": "a mistake of the program",
    "auditor/store/delta/column_diff.py": "a mistake of the program",
    "auditor/store/objects/memory_backend.py": "a mistake of the program",
    "auditor/wording/": "marked where it stands",
}
"""Modules and packages whose texts are no errors that people read, or are told by other messages: why."""
_MARKED = ("auditor/render/", "auditor/remedy/")
"""Packages that mark their texts where they are said."""
_READ = (
    "auditor/checks/budget/exceeded.py",
    "auditor/checks/health/group_license_errors.py",
    "auditor/checks/health/groups.py",
    "auditor/checks/purchases/owned_products.py",
    "auditor/checks/seats/quota_exceeded.py",
    "auditor/checks/seats/spare_seats.py",
    "auditor/checks/seats/stock.py",
    "auditor/checks/subscriptions/subscriptions.py",
    "auditor/render/formats.py",
    "auditor/render/tenants/ranking.py",
)
"""Modules of those that make errors and reasons nevertheless."""
_RAISED = ("auditor/catalogue/store.py",)
"""Modules whose own exceptions become part of an error."""
SCHEMAS = ("policy", "policy-test", "tenants")
LISTS = ("{one} and {other}", "{one} or {other}")
"""How a value is told that is a list of names."""

_NOT_SAID = {"help", "metavar", "description", "epilog", "usage", "prog", "dest", "style", "name", "key"}
"""Arguments that are no message: help is argparse's, and argparse speaks English."""
_NOT_CALLED = {
    *(
        "N_",
        "gettext",
        "ngettext",
        "plural",
        "getattr",
        "eval",
        "compile",
        "sub",
        "ValueError",
        "TypeError",
        "cast",
        "say",
        "out",
    ),
    *(
        "ModuleNotFoundError",
        "spoken",
        "ValidationError",
        "declare",
        "add_argument",
        "add_argument_group",
        "info",
        "debug",
        "fullmatch",
        "append_text",
    ),
}
"""Calls whose texts are told otherwise, or by nobody."""
_NOT_KEPT = {"_EXAMPLES", "COMMANDS", "_EXIT_CODES", "_EXTRAS", "_STYLES", "_SQL", "_AT_ITS_BEGINNING"}
_CODE = re.compile(
    r"(?:GET|POST) /|userPrincipalName|Trace ID|invalid literal|^- sku|^\{percent: |assignedLicenses|hasMembers|displayName eq|\{?\w+\}? (?:ge|le) |Bearer |bytes \{|^auditor: \{|^auditor \{|^auditor store$"
    r"|^(?:az|gh) |^\$|^(?:New|Get|Test|Connect)-|^ -Environment|\} # |^::|^place BIGINT|^version \"|^\\nhelp: |^# |^--query "
)
"""Texts that machines read."""


def texts() -> Iterator[tuple[str, str]]:
    """Yield each message with the file it comes from."""
    yield from (("", text) for text in LISTS)
    for place, tree in modules():
        if place in _READ or not place.startswith((*ELSEWHERE, *_MARKED)):
            silent = _NOT_CALLED - {"ValueError", "TypeError"} if place in _RAISED else _NOT_CALLED
            yield from ((place, text) for text in _told(tree, silent))
    for name in SCHEMAS:
        place = f"auditor/schemas/{name}.v1.json"
        yield from ((place, text) for text in _described(json.loads((ROOT / place).read_text(encoding="utf-8"))))


def written(tree: ast.AST) -> Iterator[str]:
    """Yield what looks like a text for people in a module, but what is marked there for translation."""
    return _told(tree, _NOT_CALLED)


def _told(node: ast.AST, silent: AbstractSet[str]) -> Iterator[str]:
    if _is_silent(node, silent):
        return
    if isinstance(node, ast.Constant | ast.JoinedStr):
        for text in _written(node):
            if _is_prose(text):
                yield text
        for part in node.values if isinstance(node, ast.JoinedStr) else ():
            if isinstance(part, ast.FormattedValue):
                yield from _told(part.value, silent)
        return
    children: Sequence[ast.AST] = [*ast.iter_child_nodes(node)]
    if isinstance(node, ast.Dict):
        children = node.values
    if isinstance(node, ast.match_case):
        children = node.body
    if isinstance(node, ast.AnnAssign):
        children = [node.value] if node.value is not None else []
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        children = [*node.args.defaults, *node.body]
    for child in children:
        yield from _told(child, silent)


def _is_silent(node: ast.AST, silent: AbstractSet[str]) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Assert() | ast.Compare():
            return True
        case ast.keyword(arg=str(name)):
            return name in _NOT_SAID
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name in silent
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name in _NOT_KEPT
        case _:
            return False


def _is_prose(text: str) -> bool:
    words = re.sub(r"\{\w+\}", "", text)
    return " " in text.strip() and re.search(r"[a-z]{2}", words) is not None and _CODE.search(text) is None


def _written(node: ast.Constant | ast.JoinedStr) -> Iterator[str]:
    """Yield a literal as a message; of a choice between literals inside of it every outcome."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
        return
    taken: dict[str, int] = {}
    for parts in product(*(_parts(part, taken) for part in node.values)):
        yield "".join(parts)


def _parts(node: ast.expr, taken: dict[str, int]) -> tuple[str, ...]:
    match node:
        case ast.Constant(value=value):
            return (str(value),)
        case ast.FormattedValue(value=ast.IfExp(body=ast.Constant(value=one), orelse=ast.Constant(value=other))):
            return (str(one), str(other))
        case ast.FormattedValue(value=value):
            name = _name(value)
            taken[name] = taken.get(name, 0) + 1
            return (f"{{{name}{taken[name] if taken[name] > 1 else ''}}}",)
        case _:
            raise TypeError(ast.dump(node))


def _name(node: ast.expr) -> str:
    """Return how a value is called in a message: by the last name of its expression."""
    match node:
        case ast.Name(id=name):
            return name.strip("_").lower()
        case ast.Attribute(attr=name):
            return name.strip("_").lower()
        case ast.Call(func=ast.Attribute(attr="join" | "isoformat" | "partition")):
            return _name(node.args[0] if node.args else node.func.value) if isinstance(node.func, ast.Attribute) else ""
        case ast.Call(func=ast.Name(id="_subject")):
            return "subject"
        case ast.Call(args=[first, *_]):
            return _name(first)
        case ast.Call(func=called):
            return _name(called)
        case ast.Subscript(value=value):
            return _name(value)
        case ast.BoolOp(values=[first, *_]) | ast.BinOp(left=first) | ast.IfExp(body=first):
            return _name(first)
        case ast.GeneratorExp(elt=element):
            return _name(element)
        case _:
            return "value"


def _described(schema: object) -> Iterator[str]:
    """Yield what a schema calls its values, and what it says of a key that must be there."""
    if isinstance(schema, list):
        for item in schema:
            yield from _described(item)
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties", {})
    noun = schema.get("$comment")
    if isinstance(noun, str):
        yield noun
        if {"id", "name"} & set(properties):
            yield f"{noun.partition(' ')[2]} {{name}}"
    for key in schema.get("required", ()):
        about = properties.get(key)
        if isinstance(about, dict) and "description" in about:
            yield about["description"]
    for value in schema.values():
        yield from _described(value)
