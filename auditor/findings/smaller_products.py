"""Counts the people for whom open findings propose a smaller product, by the product they hold."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field

from auditor.checks.check import Cost
from auditor.checks.registry import all_checks
from auditor.domain.enums import Status
from auditor.domain.money import Money
from auditor.domain.result.seat_usage import SmallerProductCount

_MEMBER: Final = '"smallerProduct":'
_TEXT: Final = r'"(?:[^"\\]|\\.)*"'
_PATTERN: Final = rf'{_MEMBER}\s*(?P<proposal>\{{(?:[^"{{}}]|{_TEXT})*\}})'
"""The member with its value, an object without nested objects. Quotes in texts are escaped, so no text can match."""


def _removed(findings: pa.RecordBatch) -> pa.Array:
    """Return the licences that findings about superfluous seats want to remove."""
    seats = [check.id for check in all_checks() if check.cost is Cost.SEAT]
    superfluous = pc.is_in(findings.column("check").cast(pa.string()), pa.array(seats, pa.string()))
    priced = findings.filter(pc.and_(superfluous, findings.column("perMonth").is_valid()))
    return _licences(priced.column("subjectId"), priced.column("skuId").cast(pa.string()))


def _licences(people: pa.Array, skus: pa.Array) -> pa.Array:
    """Return a text for each pair of a person and a product."""
    return pc.binary_join_element_wise(people, skus, "\n")


class SmallerProductCounter(Struct):
    """Counts over record batches of findings, each with all findings about its people."""

    _people: dict[str, int] = field(default_factory=dict)
    """Proposal as JSON → number of people."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the people of a record batch of `auditor.findings.columns.SCHEMA`, each once for each product held.

        Of several proposals, the one that saves most counts. A licence that another finding wants to remove has none.
        """
        is_open = pc.equal(batch.column("status").cast(pa.string()), Status.OPEN.value)
        has_proposal = pc.match_substring(batch.column("evidence"), _MEMBER)
        proposed = batch.filter(pc.and_(is_open, has_proposal))
        if not proposed.num_rows:
            return
        texts = pc.struct_field(pc.extract_regex(proposed.column("evidence"), _PATTERN), "proposal")
        proposed, texts = proposed.filter(texts.is_valid()), texts.drop_null().dictionary_encode()
        proposals = texts.dictionary.to_pylist()
        loaded = [orjson.loads(text) for text in proposals]
        held = pa.array([proposal["heldSkuId"] for proposal in loaded], pa.string()).take(texts.indices)
        order = sorted(
            range(len(loaded)), key=lambda index: (-Decimal(loaded[index]["savesPerMonth"]), proposals[index])
        )
        ranks = {index: rank for rank, index in enumerate(order)}
        rank = pa.array([ranks[index] for index in range(len(order))], pa.int64()).take(texts.indices)
        removed = _removed(batch.filter(pc.and_not(is_open, has_proposal)))
        licences = _licences(proposed.column("subjectId"), held)
        table = pa.table({"licence": licences, "rank": rank}).filter(pc.invert(pc.is_in(licences, removed)))
        best = table.group_by("licence").aggregate([("rank", "min")]).column("rank_min").value_counts()
        for count in best.to_pylist():
            text = proposals[order[count["values"]]]
            self._people[text] = self._people.get(text, 0) + count["counts"]

    def counts(self, names: Mapping[str, str]) -> tuple[SmallerProductCount, ...] | None:
        """Return the counts, the highest saving first; None if nothing is proposed.

        `names` has the titles of products by part number, or by skuId if there is none.
        """
        counts: dict[tuple[str, str, str], tuple[int, Decimal]] = {}
        for text, people in self._people.items():
            proposal = orjson.loads(text)
            key = (proposal["held"], proposal["product"], proposal["currency"])
            previous, saves = counts.get(key, (0, Decimal(0)))
            counts[key] = (previous + people, saves + Decimal(proposal["savesPerMonth"]) * people)
        all_counts = [
            SmallerProductCount(
                sku_part_number=held,
                name=names.get(held, held),
                smaller_sku_part_number=product,
                smaller_name=names.get(product, product),
                people=people,
                saves=Money(currency=currency, per_month=saves),
            )
            for (held, product, currency), (people, saves) in counts.items()
        ]
        order = sorted(
            all_counts, key=lambda count: (-count.saves.per_month, count.sku_part_number, count.smaller_sku_part_number)
        )
        return tuple(order) or None
