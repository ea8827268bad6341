"""Encodes and decodes the project's compact JSON form of the catalogue, and loads the packaged one."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from auditor import resources
from auditor.catalogue.model import GUID, Catalogue, FreeProduct, Product, ServicePlan, clean, fold, order, unprintable
from auditor.domain.errors import AuditorError, Span
from auditor.domain.message import Message

SCHEMA: Final = "auditor/products/v1"
_PREFIX_LENGTH: Final = 8
"""Number of digits of a plan's id by which products refer to it; if they are ambiguous, the whole id is used."""


def dumps(catalogue: Catalogue) -> str:
    """Encode the catalogue without its free list as JSON, one plan or product per line; the output is reproducible.

    Products refer to plans by the first digits of their ids, so that a new plan changes no other line.
    """
    plans = sorted(catalogue.plans.values(), key=lambda plan: (fold(plan.name), plan.id))
    short = _short_ids(catalogue.plans)
    products = [_line(product, short) for product in sorted(catalogue.products.values(), key=order)]
    head = {
        "schema": SCHEMA,
        "source": catalogue.source,
        "date": catalogue.date,
        "counts": {"products": len(products), "plans": len(plans)},
    }
    blocks = [f"{_json(key)}: {_json(value)}" for key, value in head.items()]
    blocks.append(_block("plans", [[plan.id, plan.name, plan.friendly_name] for plan in plans]))
    blocks.append(_block("products", products))
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def loads(text: str, *, where: str) -> Catalogue:
    """Decode a catalogue that was encoded by `dumps`; `where` is the file name in messages.

    Raises AuditorError if the text is damaged or has another version.
    """
    document = _document(text, where)
    try:
        plans = {plan.id: plan for plan in map(_plan, document["plans"])}
        by_short = {short: plans[plan] for plan, short in _short_ids(plans).items()}
        products = {product.sku_id: product for product in (_product(item, by_short) for item in document["products"])}
        counts = {"products": len(products), "plans": len(plans)}
        if document["counts"] != counts:
            text = Message("it contains {counts}, but declares {document}", counts=counts, document=document["counts"])
            raise ValueError(text)  # noqa: TRY301  one handler for all damage
        source, date = _name(document["source"]), dt.date.fromisoformat(document["date"]).isoformat()
    except (LookupError, TypeError, ValueError) as error:
        raise _damage_error(where, error) from error
    return Catalogue(products=MappingProxyType(products), source=source, date=date)


@cache
def free_products() -> tuple[FreeProduct, ...]:
    """Return the project's list of free products, each with its reason."""
    return tuple(FreeProduct(part_number=part, reason=reason) for part, reason in _packaged_list("free.json"))


@cache
def current_names() -> Mapping[str, str]:
    """Return the names of products that Microsoft's table lists under an earlier name, by part number."""
    return {part: name for part, name, _ in _packaged_list("names.json")}


def completed(table: Catalogue) -> Catalogue:
    """Return a table of Microsoft with the project's list of free products, and with current names."""
    return table.with_names(current_names()).with_free(free_products())


@cache
def builtin() -> Catalogue:
    """Return the packaged catalogue, completed; loaded once per process."""
    where = "products.json"
    return completed(loads(_read_packaged(where), where=where))


def _read_packaged(name: str) -> str:
    return resources.folder("auditor.catalogue").joinpath(name).read_text(encoding="utf-8")


def _packaged_list(name: str) -> list[list[str]]:
    products: list[list[str]] = json.loads(_read_packaged(name))["products"]
    return products


def _document(text: str, where: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        lines = text.split("\n")
        span = Span(file=where, line=error.lineno, column=error.colno, text=lines[error.lineno - 1])
        raise _damage_error(where, error, span) from error
    except RecursionError as error:
        raise _damage_error(where, error) from error
    actual = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(document, dict) or actual != SCHEMA:
        reason = Message("its schema is {found}, not {schema}", found=repr(actual), schema=repr(SCHEMA))
        raise _damage_error(where, ValueError(reason))
    return document


def _damage_error(where: str, error: Exception, span: Span | None = None) -> AuditorError:
    reason = Message("no {error}", error=error) if isinstance(error, LookupError) else str(error)
    message = Message("{where} is not a product catalogue: {reason}", where=where, reason=reason)
    hint = Message("run `auditor products update` again, or delete the file to use the catalogue of the package")
    return AuditorError("products-catalogue", message, hint=hint, span=span)


def _line(product: Product, short: Mapping[str, str]) -> list[Any]:
    plans = " ".join(short[plan.id] for plan in product.plans)
    line: list[Any] = [product.sku_id, product.part_number, product.name, plans]
    return [*line, list(product.aliases)] if product.aliases else line


def _block(key: str, lines: list[list[Any]]) -> str:
    return f"{_json(key)}: [\n" + ",\n".join(map(_json, lines)) + "\n]"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _short_ids(plans: Mapping[str, ServicePlan]) -> dict[str, str]:
    """Return plan id → the short id by which products refer to it."""
    counts = Counter(plan[:_PREFIX_LENGTH] for plan in plans)
    return {plan: plan[:_PREFIX_LENGTH] if counts[plan[:_PREFIX_LENGTH]] == 1 else plan for plan in plans}


def _plan(item: list[str]) -> ServicePlan:
    plan, name, friendly_name = item
    return ServicePlan(id=_guid(plan), name=_name(name), friendly_name=_name(friendly_name))


def _product(item: list[Any], plans: Mapping[str, ServicePlan]) -> Product:
    sku_id, part_number, name, plan_ids, *rest = item
    aliases = tuple(_name(alias) for alias in rest[0]) if rest else ()
    return Product(
        sku_id=_guid(sku_id),
        part_number=_name(part_number),
        name=_name(name),
        plans=tuple(map(plans.__getitem__, _text(plan_ids).split())),
        aliases=aliases,
    )


def _guid(value: str) -> str:
    if not GUID.fullmatch(value):
        raise ValueError(Message("{value} is not a lower-case GUID", value=repr(value)))
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(Message("{value} is not text", value=repr(value)))
    return value


def _name(value: object) -> str:
    name = _text(value)
    # The first branch is fast and sufficient for most names; the second covers the rest of Unicode.
    if name.isascii() and name.isprintable():
        is_clean = name[:1] != " " != name[-1:] and "  " not in name
    else:
        is_clean = clean(name) == name and unprintable(name) is None
    if not name or not is_clean:
        raise ValueError(Message("{name} has characters that are not allowed in a name", name=repr(name)))
    return name
