"""Hypothesis strategies for runs (tenants, policy documents, catalogue, instant) in which policies often match."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from msgspec import Struct

from tests.oracle import Catalogue
from tests.oracle.strategies import alphabet
from tests.oracle.strategies.blocks import BLOCKS
from tests.oracle.strategies.documents import documents
from tests.oracle.strategies.tenants import Shelf, shelves, tenants

INSTANTS = (
    datetime(2026, 11, 20, 2, 17, tzinfo=UTC),
    datetime(2026, 11, 20, tzinfo=UTC),
    datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC),
)


class Scenario(Struct, frozen=True, kw_only=True):
    """The arguments of one call of `judge`."""

    documents: list[dict[str, Any]]
    tenants: list[dict[str, Any]]
    as_of: datetime
    catalogue: Catalogue


@st.composite
def scenarios(draw: st.DrawFn, blocks: tuple[str, ...] = tuple(BLOCKS)) -> Scenario:
    """A run of one to three tenants; `blocks` limits the constraint blocks its policies use."""
    as_of = draw(st.sampled_from(INSTANTS))
    shelf: Shelf = draw(shelves())
    names = alphabet.TENANTS[: draw(st.sampled_from((1, 1, 2, 3)))]
    return Scenario(
        documents=draw(documents(as_of=as_of, blocks=blocks)),
        tenants=[draw(tenants(name=name, shelf=shelf, as_of=as_of)) for name in names],
        as_of=as_of,
        catalogue=Catalogue(skus=shelf.catalogue, free=frozenset({*alphabet.FREE, alphabet.SKUS[9][0]})),
    )


__all__ = ["INSTANTS", "Scenario", "documents", "scenarios", "shelves", "tenants"]
