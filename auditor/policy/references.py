"""Resolves the names of populations and product sets, which are shared by all files that are loaded together."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from auditor.domain.message import Message
from auditor.domain.policy.model import Mention, MentionKind
from auditor.domain.policy.product_set import (
    BUILTIN_SETS,
    Builtin,
    Element,
    Named,
    ProductSet,
    Sku,
    SkuGlob,
    WithService,
    builtins_of,
)
from auditor.domain.policy.selector import Population
from auditor.policy.nodes import Diagnostics, Node
from auditor.policy.reference_depth import ReferenceDepth
from auditor.policy.schema.recovery import Gaps


@dataclass(slots=True)
class Names:
    """The names that the loaded files define; each definition is read once, when it is first used."""

    diagnostics: Diagnostics
    gaps: Gaps = field(default_factory=Gaps)
    extended: AbstractSet[str] = frozenset()
    """Names of files that other files extend."""
    populations: dict[str, Node] = field(default_factory=dict)
    products: dict[str, Node] = field(default_factory=dict)
    free: list[Node] = field(default_factory=list)
    mentions: list[tuple[Mention, Node]] = field(default_factory=list)
    tenants: tuple[str, ...] | None = None
    """The tenants of the policy, waiver or contract being read; None for all."""
    fleet: bool = False
    depth: ReferenceDepth = field(init=False)
    selectors: dict[str, Population] = field(default_factory=dict)
    """The populations that have been read, by name."""
    _sets: dict[str, Named] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Create the level counter, which reports to the same diagnostics."""
        self.depth = ReferenceDepth(self.diagnostics)

    def define(self, root: Node) -> None:
        """Add the definitions of one file; duplicate names are reported."""
        for key, definitions in (("populations", self.populations), ("products", self.products)):
            if not root.has(key):
                continue
            for name, node in root[key].items():
                if key == "products" and name == "free":
                    self.free.append(node)
                elif key == "products" and name in BUILTIN_SETS:
                    self.diagnostics.error(
                        "policy-name-taken",
                        Message("'{name}' is a built-in product set and cannot be redefined", name=name),
                        node.span(key=True),
                        Message("choose another name; only `free` can be extended"),
                    )
                elif name in definitions:
                    first = definitions[name].span(key=True)
                    self.diagnostics.error(
                        "policy-duplicate-name",
                        Message("'{name}' is defined twice in `{key}`", name=name, key=key),
                        node.span(key=True),
                        Message("it comes from `extends`: replace it there in `{key}`", key=key)
                        if first.file in self.extended
                        else Message(
                            "the first is at {file}:{line}; give one of them another name",
                            file=first.file,
                            line=first.line,
                        ),
                    )
                else:
                    definitions[name] = node

    def read_sets(self) -> None:
        """Read every product set."""
        for name, node in self.products.items():
            self._named_set(name, node)
        self.free_sets()

    def product_set(self, node: Node) -> ProductSet:
        """Read a set: a name, `{withService: …}`, or a list of those."""
        if isinstance(node.value, list):
            # A loop, because a generator would add a stack frame per nesting level.
            elements: list[Element] = []
            for item in node.each():
                elements.append(self.element(item))  # noqa: PERF401
            written = "|".join(_written(item.value) for item in node.each())
            return ProductSet(elements=tuple(elements), written=written)
        return ProductSet(elements=(self.element(node),), written=_written(node.value))

    def element(self, node: Node) -> Element:
        """Read one element of a product set; names from `products:` take precedence over SKU-like texts."""
        if isinstance(node.value, dict):
            plan = str(node.value["withService"])
            self.mention("service", plan, node)
            return WithService(plan=plan)
        name = str(node.value)
        if name in BUILTIN_SETS:
            return Builtin(name=name)
        if name in self.products:
            return self._named_set(name, node)
        if any(char in name for char in "*?["):
            self.mention("pattern", name, node)
            return SkuGlob(pattern=name)
        self.mention("product", name, node)
        return Sku(name=name)

    def mention(self, kind: MentionKind, name: str, node: Node) -> None:
        """Record that a name is used, so that unknown ones can be reported."""
        self.mentions.append((Mention(kind=kind, name=name, tenants=self.tenants, fleet=self.fleet), node))

    def free_sets(self) -> tuple[ProductSet, ...]:
        """Return the sets that the files add to `free`; one that would make `free` contain itself is reported."""
        sets = []
        for node in self.free:
            addition = self.product_set(node)
            if builtins_of(addition.elements) & {"free", "paid"}:
                self.diagnostics.error(
                    "policy-circular-name",
                    Message("`free` cannot be extended by a set that contains `free` or `paid`"),
                    node,
                    Message("specify the SKUs themselves"),
                )
            sets.append(addition)
        return tuple(sets)

    def _named_set(self, name: str, where: Node) -> Named:
        label = Message("product set {name}", name=name)
        cached = self._sets.get(name)
        if cached is not None:
            return cached if self.depth.reuse(label, where) else Named(name=name, elements=())
        if not self.depth.open(label, self.products[name], where):
            return Named(name=name, elements=())
        named = Named(name=name, elements=self.product_set(self.products[name]).elements)
        self.depth.close(label)
        self._sets[name] = named
        return named


def _written(value: object) -> str:
    if isinstance(value, dict):
        return f"withService:{value['withService']}"
    return "|".join(_written(item) for item in value) if isinstance(value, list) else str(value)
