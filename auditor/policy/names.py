"""Names that files share: populations and product sets into what they stand for, whichever file defines them."""

import difflib
from dataclasses import dataclass, field
from typing import Literal

from auditor.domain.policy import Mention
from auditor.domain.product_set import (
    BUILTIN_SETS,
    Builtin,
    Element,
    Named,
    ProductSet,
    Sku,
    SkuGlob,
    WithService,
    leaves,
)
from auditor.domain.selector import EVERYBODY, Selector
from auditor.policy.reading import Diagnostics, Node
from auditor.policy.salvage import Gaps
from auditor.policy.selectors import read_selector


@dataclass(slots=True)
class Names:
    """Every name that the loaded files define; each is read once, when it is first asked for."""

    diagnostics: Diagnostics
    gaps: Gaps = field(default_factory=Gaps)
    populations: dict[str, Node] = field(default_factory=dict)
    products: dict[str, Node] = field(default_factory=dict)
    free: list[Node] = field(default_factory=list)
    mentions: list[tuple[Mention, Node]] = field(default_factory=list)
    tenants: tuple[str, ...] | None = None
    """The tenants of the policy or waiver that is being read."""
    fleet: bool = False
    _selectors: dict[str, Selector] = field(default_factory=dict)
    _sets: dict[str, Named] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)

    def define(self, root: Node) -> None:
        """Take the definitions of one file; a name that is taken is noted."""
        for key, known in (("populations", self.populations), ("products", self.products)):
            if not root.has(key):
                continue
            for name, node in root[key].items():
                if key == "products" and name == "free":
                    self.free.append(node)
                elif key == "products" and name in BUILTIN_SETS:
                    self.diagnostics.error(
                        "policy-name-taken",
                        f"'{name}' is a built-in product set and cannot be defined anew",
                        node.span(key=True),
                        "choose another name; only `free` can be extended",
                    )
                elif name in known:
                    first = known[name].span(key=True)
                    self.diagnostics.error(
                        "policy-duplicate-name",
                        f"'{name}' is defined twice in `{key}`",
                        node.span(key=True),
                        f"the first is at {first.file}:{first.line}; give one of them another name",
                    )
                else:
                    known[name] = node

    def read_all(self) -> None:
        """Read every definition, so that mistakes in unused ones are told too."""
        for name, node in self.populations.items():
            self.population(name, node)
        for name in self.products:
            self._named(name)
        self.free_sets()

    def population(self, name: str, where: Node) -> Selector:
        """Return what a population stands for; an unknown or circular name is noted and read as everybody."""
        if name in self._selectors:
            return self._selectors[name]
        node = self.populations.get(name)
        if node is None and (self.gaps.sections or name in self.gaps.populations):
            return EVERYBODY
        if node is None:
            close = difflib.get_close_matches(name, self.populations, n=1)
            known = ", ".join(sorted(self.populations)) or "none"
            self.diagnostics.error(
                "policy-unknown-population",
                f"no file defines the population '{name}'",
                where,
                f"did you mean '{close[0]}'?" if close else f"populations that are defined: {known}",
            )
            return EVERYBODY
        if self._circular(f"population {name}", node):
            return EVERYBODY
        selector = read_selector(node, self)
        self._open.pop()
        self._selectors[name] = selector
        return selector

    def product_set(self, node: Node) -> ProductSet:
        """Read a set: a name, `{withService: …}`, or a list of those."""
        if isinstance(node.value, list):
            elements = tuple(self.element(item) for item in node.each())
            written = "|".join(_written(item.value) for item in node.each())
        else:
            elements = (self.element(node),)
            written = _written(node.value)
        return ProductSet(elements=elements, written=written)

    def element(self, node: Node) -> Element:
        """Read one element of a product set; a name from `products:` goes before everything that looks like a SKU."""
        if isinstance(node.value, dict):
            plan = str(node.value["withService"])
            self.mention("service", plan, node)
            return WithService(plan=plan)
        name = str(node.value)
        if name in BUILTIN_SETS:
            return Builtin(name=name)
        if name in self.products:
            return self._named(name)
        if any(sign in name for sign in "*?["):
            return SkuGlob(pattern=name)
        self.mention("product", name, node)
        return Sku(name=name)

    def mention(self, kind: Literal["product", "service"], name: str, node: Node) -> None:
        """Note that a name is used, so that one that nobody knows can be told."""
        self.mentions.append((Mention(kind=kind, name=name, tenants=self.tenants, fleet=self.fleet), node))

    def free_sets(self) -> tuple[ProductSet, ...]:
        """Return what the files add to `free`; a set that `free` would have to contain itself is noted."""
        sets = []
        for node in self.free:
            read = self.product_set(node)
            if any(isinstance(leaf, Builtin) and leaf.name in {"free", "paid"} for leaf in leaves(read.elements)):
                self.diagnostics.error(
                    "policy-circular-name",
                    "`free` cannot be extended by a set that contains `free` or `paid`",
                    node,
                    "name the SKUs themselves",
                )
            sets.append(read)
        return tuple(sets)

    def _named(self, name: str) -> Named:
        if name in self._sets:
            return self._sets[name]
        node = self.products[name]
        if self._circular(f"product set {name}", node):
            return Named(name=name, elements=())
        named = Named(name=name, elements=self.product_set(node).elements)
        self._open.pop()
        self._sets[name] = named
        return named

    def _circular(self, name: str, node: Node) -> bool:
        """Note a definition that contains itself; otherwise mark it as being read."""
        if name in self._open:
            chain = " → ".join([*self._open[self._open.index(name) :], name])
            self.diagnostics.error(
                "policy-circular-name", f"a definition contains itself: {chain}", node, "break the circle"
            )
            return True
        self._open.append(name)
        return False


def _written(value: object) -> str:
    if isinstance(value, dict):
        return f"withService:{value['withService']}"
    return "|".join(_written(item) for item in value) if isinstance(value, list) else str(value)
