"""Generates parts of docs/architecture.md: the layers, the table of packages, and the diagram (part of `make pages`).

The layers come from the import contract in `.importlinter`, imports and docstrings from the code. Nothing depends on
a version, date or path, so the same tree always gives the same bytes.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from configparser import ConfigParser
from html import escape
from math import log2

import grimp
from msgspec import Struct

from tests.package.tree import ROOT

PAGE = ROOT / "docs" / "architecture.md"
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
PACKAGE = "auditor"
WIDTH, MARGIN, GAP = 1180, 16, 46
LINE = 15
"""Height of one line of text in a box, in pixels."""
LETTER = 6.3
"""Average width of a letter of the small font, in pixels."""
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #333; text-anchor: middle }
text.name { font-weight: 600; font-size: 14px; fill: #111 }
text.layer { fill: #888; text-anchor: start }
rect.page { fill: #fff } rect.layer { fill: #f4f6f9 } rect.box { fill: #fff; stroke: #4a6785 }
path { fill: none; stroke: #9db3c8; opacity: .35 } path.essential { stroke: #2f5d8a; opacity: .8 }
"""

Imports = Mapping[tuple[str, str], int]
"""(importing package, imported package) → the number of imports between their modules."""


class Box(Struct, frozen=True):
    """A package in the diagram: its position in pixels and the lines of text below its name."""

    name: str
    lines: tuple[str, ...]
    left: float
    top: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


def layers() -> list[list[str]]:
    """Return the packages of each layer of the import contract, the highest layer first."""
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    lines = contracts["importlinter:contract:layers"]["layers"].split("\n")
    return [[name.strip(" ()") for name in line.split("|")] for line in lines if line and not line.startswith("#")]


def imports(graph: grimp.ImportGraph) -> Imports:
    """Count the imports between the packages directly below `auditor`."""
    counts: Counter[tuple[str, str]] = Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            packages = _package(module), _package(imported)
            if packages[0] != packages[1] and all(packages):
                counts[packages] += 1
    return counts


def _package(module: str) -> str:
    """Return the package directly below `auditor` that holds a module; empty for `auditor` itself."""
    return module.removeprefix(PACKAGE).removeprefix(".").split(".")[0]


def essential(imported: Imports) -> set[tuple[str, str]]:
    """Return the imports that no chain of other imports implies (the transitive reduction)."""
    reachable_from: dict[str, set[str]] = {}

    def reachable(name: str) -> set[str]:
        if name not in reachable_from:
            direct = {end for start, end in imported if start == name}
            reachable_from[name] = direct.union(*map(reachable, direct))
        return reachable_from[name]

    return {
        (start, end)
        for start, end in imported
        if not any(end in reachable(middle) for begin, middle in imported if begin == start and middle != end)
    }


def boxes(graph: grimp.ImportGraph) -> Iterator[list[Box]]:
    """Yield the boxes of each layer from top to bottom."""
    top = float(MARGIN)
    for names in layers():
        texts = [(name, tuple(_wrapped(_contents(graph, name)))) for name in names]
        height = 30 + LINE * max(len(lines) for _, lines in texts)
        widths = [max(70.0, len(name) * 9 + 16, *(len(line) * LETTER + 16 for line in lines)) for name, lines in texts]
        gap = (WIDTH - 2 * MARGIN - sum(widths)) / (len(names) + 1)
        left, row = MARGIN + gap, []
        for (name, lines), width in zip(texts, widths, strict=True):
            row.append(Box(name, lines, left, top, width, height))
            left += width + gap
        yield row
        top += height + GAP


def _contents(graph: grimp.ImportGraph, name: str) -> Sequence[str]:
    """Return the texts below a package's name: the number of its modules, then its subpackages."""
    module = f"{PACKAGE}.{name}"
    descendants = graph.find_descendants(module)
    children = sorted(child for child in graph.find_children(module) if graph.find_children(child))
    packages = [child for child in descendants if graph.find_children(child)]
    count = len(descendants) - len(packages)
    return [f"{count} modules", *(child.rpartition(".")[2] for child in children)] if descendants else ["module"]


def _wrapped(names: Sequence[str]) -> Iterator[str]:
    """Yield the number of modules, then the subpackages in lines of at most 50 letters, unless a name is longer."""
    yield names[0]
    line = ""
    for word in names[1:]:
        if line and len(line) + len(word) > 50:
            yield line
            line = ""
        line += f" · {word}" if line else word
    if line:
        yield line


def page(text: str) -> str:
    """Return the text of docs/architecture.md with an updated list of layers and table of packages."""
    order = "\n".join(" | ".join(names) for names in layers())
    text = re.sub(r"(?<=```\n).*?(?=\n```)", lambda _: order, text, count=1, flags=re.DOTALL)
    table = "\n".join(["| package | does |", "|---|---|", *_rows()])
    return re.sub(
        r"(?<=<!-- packages: written by `make pages` -->\n).*?(?=<!-- /packages -->)",
        lambda _: f"{table}\n",
        text,
        flags=re.DOTALL,
    )


def _rows() -> Iterator[str]:
    """Yield a row for each package and subpackage: its path and the first sentence of its docstring."""
    for name in (name for names in layers() for name in names):
        root = ROOT / PACKAGE / name
        for path in sorted(root.rglob("__init__.py"), key=lambda init: init.parts[:-1]) or [root.with_suffix(".py")]:
            package = path.parent if path.name == "__init__.py" else path
            docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            sentence = " ".join(re.split(r"(?<=\.)\s+(?=[A-Z`])|\n\n", docstring)[0].split())
            yield f"| `{package.relative_to(ROOT / PACKAGE).as_posix()}` | {sentence} |"


def drawing() -> str:
    """Return the diagram as SVG."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    rows = list(boxes(graph))
    counts = imports(graph)
    box_of = {box.name: box for row in rows for box in row}
    bottom = rows[-1][0].top + rows[-1][0].height + MARGIN
    direct = essential(counts)
    arrows = sorted(counts, key=lambda ends: (ends in direct, ends))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom:.0f}" role="img">',
        "<title>Packages of auditor by layer, and the imports between them</title>",
        f"<style>{STYLE}</style>",
        (
            '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto" '
            'markerUnits="userSpaceOnUse"><path d="M0 0 8 4 0 8z" style="fill:#2f5d8a;stroke:none;opacity:1"/></marker>'
        ),
        f'<rect class="page" width="{WIDTH}" height="{bottom:.0f}"/>',
        *(_layer(row) for row in rows),
        *(_arrow(box_of[start], box_of[end], counts[start, end], main=(start, end) in direct) for start, end in arrows),
        *(line for row in rows for box in row for line in _box(box)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _layer(row: Sequence[Box]) -> str:
    return (
        f'<rect class="layer" x="{MARGIN / 2:.0f}" y="{row[0].top - 6:.0f}" width="{WIDTH - MARGIN}" '
        f'height="{row[0].height + 12:.0f}" rx="6"/>'
    )


def _arrow(start: Box, end: Box, count: int, *, main: bool) -> str:
    """Draw an arrow from the lower edge of a box to the upper edge of another; its width depends on log2 of `count`."""
    down, up = start.top + start.height, end.top
    bend = (up - down) / 2
    kind = ' class="essential" marker-end="url(#tip)"' if main else ""
    return (
        f'<path{kind} stroke-width="{0.6 + int(log2(count)) / 2:.1f}" d="M{start.middle:.0f} {down:.0f}'
        f"C{start.middle:.0f} {down + bend:.0f} {end.middle:.0f} {up - bend:.0f} {end.middle:.0f} {up:.0f}"
        f'"><title>{start.name} → {end.name}</title></path>'
    )


def _box(box: Box) -> Iterator[str]:
    yield (
        f'<rect class="box" x="{box.left:.0f}" y="{box.top:.0f}" width="{box.width:.0f}" height="{box.height:.0f}" rx="5"/>'
    )
    yield f'<text class="name" x="{box.middle:.0f}" y="{box.top + 19:.0f}">{escape(box.name)}</text>'
    for number, line in enumerate(box.lines, start=1):
        yield f'<text x="{box.middle:.0f}" y="{box.top + 19 + LINE * number:.0f}">{escape(line)}</text>'


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    PICTURE.write_text(drawing(), encoding="utf-8", newline="\n")
