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
FREE_SCHEMA: Final = "auditor/free-products/v1"
_PREFIX: Final = 8
"""Digits of a plan's id by which a product names it; ambiguous plans are named in full."""


def dumps(catalogue: Catalogue) -> str:
    """Return the catalogue as JSON, one plan or product per line, without the free list; equal values, equal text.

    A product names its plans by the first digits of their ids, so that a new plan changes no other line.
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
    """Return the catalogue in a text made by `dumps`; `where` is the file name in messages.

    Raises AuditorError for a text that is damaged or of another version.
    """
    document = _document(text, schema=SCHEMA, where=where)
    try:
        plans = {plan.id: plan for plan in map(_plan, document["plans"])}
        by_short = {short: plans[plan] for plan, short in _short_ids(plans).items()}
        products = {product.sku_id: product for product in (_product(item, by_short) for item in document["products"])}
        counts = {"products": len(products), "plans": len(plans)}
        if document["counts"] != counts:
            text = Message("it contains {counts}, but declares {document}", counts=counts, document=document["counts"])
            raise ValueError(text)  # noqa: TRY301 - one handler for all damage
        source, date = _name(document["source"]), dt.date.fromisoformat(document["date"]).isoformat()
    except (LookupError, TypeError, ValueError) as error:
        raise _damaged(where, error) from error
    return Catalogue(products=MappingProxyType(products), source=source, date=date)


@cache
def free_products() -> tuple[FreeProduct, ...]:
    """Return the project's list of free products, each with its reason."""
    where = "free.json"
    document = _document(_packaged(where), schema=FREE_SCHEMA, where=where)
    return tuple(FreeProduct(part_number=_name(part), reason=_name(reason)) for part, reason in document["products"])


@cache
def builtin() -> Catalogue:
    """Return the packaged catalogue with the free list; loaded once per process."""
    where = "products.json"
    return loads(_packaged(where), where=where).with_free(free_products())


def _packaged(name: str) -> str:
    return resources.folder("auditor.catalogue").joinpath(name).read_text(encoding="utf-8")


def _document(text: str, *, schema: str, where: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        lines = text.split("\n")
        span = Span(file=where, line=error.lineno, column=error.colno, text=lines[error.lineno - 1])
        raise _damaged(where, error, span) from error
    except RecursionError as error:
        raise _damaged(where, error) from error
    actual = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(document, dict) or actual != schema:
        reason = Message("its schema is {found}, not {schema}", found=repr(actual), schema=repr(schema))
        raise _damaged(where, ValueError(reason))
    return document


def _damaged(where: str, error: Exception, span: Span | None = None) -> AuditorError:
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
    """Return the short name of each plan id."""
    counts = Counter(plan[:_PREFIX] for plan in plans)
    return {plan: plan[:_PREFIX] if counts[plan[:_PREFIX]] == 1 else plan for plan in plans}


def _plan(item: list[str]) -> ServicePlan:
    plan, name, friendly_name = item
    return ServicePlan(id=_guid(plan), name=_name(name), friendly_name=_name(friendly_name))


def _product(item: list[Any], plans: Mapping[str, ServicePlan]) -> Product:
    sku_id, part_number, name, held, *rest = item
    aliases = tuple(_name(alias) for alias in rest[0]) if rest else ()
    return Product(
        sku_id=_guid(sku_id),
        part_number=_name(part_number),
        name=_name(name),
        plans=tuple(map(plans.__getitem__, _text(held).split())),
        aliases=aliases,
    )


def _guid(value: str) -> str:
    if not GUID.fullmatch(value):
        raise ValueError(Message("{value} is not a lower-case GUID", value=repr(value)))
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(Message("{value} is not a text", value=repr(value)))
    return value


def _name(value: object) -> str:
    name = _text(value)
    # The first branch is fast and sufficient for most names; the second covers the rest of Unicode.
    if name.isascii() and name.isprintable():
        tidy = name[:1] != " " != name[-1:] and "  " not in name
    else:
        tidy = clean(name) == name and unprintable(name) is None
    if not name or not tidy:
        raise ValueError(Message("{name} has characters that are not allowed in a name", name=repr(name)))
    return name
