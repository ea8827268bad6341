"""Decodes a page of users or devices into Arrow columns without an object per row, and marks malformed values."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from auditor.domain.message import Message
from auditor.domain.policy.selector import BOOLEAN_PROPERTIES, NESTED_PROPERTIES
from auditor.graph.client import NotGraphError
from auditor.graph.paging import ObjectPage
from auditor.graph.response_body import document_of, link_of

_TEXT = pa.string()
_PLANS = pa.list_(_TEXT)
_NESTED = {outer: pa.struct([(name, _TEXT) for name in names]) for outer, names in NESTED_PROPERTIES.items()}
_LICENSES = pa.list_(pa.struct([("skuId", _TEXT), ("disabledPlans", _PLANS)]))
_STATES = pa.list_(
    pa.struct(
        [
            ("skuId", _TEXT),
            ("assignedByGroup", _TEXT),
            ("disabledPlans", _PLANS),
            ("state", _TEXT),
            ("error", _TEXT),
            ("lastUpdatedDateTime", _TEXT),
        ]
    )
)
_ACTIVITY = pa.struct(
    [
        ("lastSignInDateTime", _TEXT),
        ("lastNonInteractiveSignInDateTime", _TEXT),
        ("lastSuccessfulSignInDateTime", _TEXT),
    ]
)
AGENT = "agent"
"""The column with whether the user is that of an agent, computed from two properties of Graph."""
PARENT = "identityParentId"
_AGENT_FIELDS = ("@odata.type", PARENT)
_AGENT_TYPE = "#microsoft.graph.agentuser"
MALFORMED = "notCollected"
"""The column that lists, per row, the properties whose value did not have Graph's type."""


def column_type(name: str) -> pa.DataType:
    """Return the Arrow type of a property of a user or a device as Graph sends it; dates are text."""
    match name:
        case outer if outer in _NESTED:
            return _NESTED[outer]
        case "assignedLicenses":
            return _LICENSES
        case "licenseAssignmentStates":
            return _STATES
        case "signInActivity":
            return _ACTIVITY
        case _:
            return pa.bool_() if name in BOOLEAN_PROPERTIES else _TEXT


class Decoder:
    """Decodes pages of objects with the same properties; safe to call from several threads."""

    def __init__(self, properties: Iterable[str]) -> None:
        names = tuple(properties)
        self._has_agents = AGENT in names
        others = [name for name in names if name != AGENT]
        self._fields = [pa.field(name, column_type(name)) for name in (*others, *(_AGENT_FIELDS * self._has_agents))]
        item = pa.struct(self._fields)
        page = pa.schema([("@odata.nextLink", _TEXT), ("value", pa.list_(item))])
        self._parse = pa.json.ParseOptions(explicit_schema=page, unexpected_field_behavior="ignore")
        self._schema = pa.schema([*self._fields, pa.field(MALFORMED, _PLANS)])
        self.schema = self._with_agents(pa.RecordBatch.from_pylist([], schema=self._schema)).schema
        self._skipped_counts: list[int] = []

    @property
    def without_id(self) -> int:
        """Number of objects that had no id and were skipped."""
        return sum(self._skipped_counts)

    def __call__(self, body: bytes) -> ObjectPage[pa.RecordBatch]:
        """Decode one page. Raises NotGraphError."""
        if not body.startswith(b"{"):
            # White space, a byte order mark, or not an object: a bare `null` would crash Arrow's parser.
            return self._decode_rows(body)
        if b"\n" in body or b"\r" in body:
            # In JSON a raw line break can only be white space; Arrow would take it for the end of an object.
            body = body.replace(b"\n", b" ").replace(b"\r", b" ")
        options = pa.json.ReadOptions(use_threads=False, block_size=len(body) + 16)
        try:
            # The streaming reader parses once; the other one searches for the end of the line first.
            table = pa.json.open_json(pa.BufferReader(body), read_options=options, parse_options=self._parse).read_all()
        except pa.ArrowInvalid:
            # A value of another type, or not JSON at all: decode row by row to find out.
            return self._decode_rows(body)
        if table.num_rows != 1 or table["value"].null_count:
            return self._decode_rows(body)
        items = table["value"].chunk(0).values
        # `flatten` applies the validity of a null object to its fields; without one, use the fields without a copy.
        columns = items.flatten() if items.null_count else [items.field(index) for index in range(len(self._fields))]
        columns.append(pa.nulls(len(items), _PLANS))
        link = table["@odata.nextLink"][0].as_py() or None
        return ObjectPage(rows=self._with_ids(pa.RecordBatch.from_arrays(columns, schema=self._schema)), link=link)

    def _decode_rows(self, body: bytes) -> ObjectPage[pa.RecordBatch]:
        document = document_of(body)
        rows = document.get("value")
        if not isinstance(rows, list):
            raise NotGraphError(Message("it has no list named 'value'"))
        typed = [self._typed_row(row) for row in rows if isinstance(row, dict)]
        self._skipped_counts.append(len(rows) - len(typed))
        return ObjectPage(
            rows=self._with_ids(pa.RecordBatch.from_pylist(typed, schema=self._schema)), link=link_of(document)
        )

    def _typed_row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that have Graph's type; the names of the others are listed as not collected."""
        result: dict[str, Any] = {}
        malformed = []
        for field in self._fields:
            value = row.get(field.name)
            if _fits(value, field.type):
                result[field.name] = value
            else:
                malformed.append(AGENT if field.name in _AGENT_FIELDS else field.name)
        result[MALFORMED] = malformed or None
        return result

    def _with_ids(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Convert ids to lower case, and drop objects without one."""
        index = batch.schema.get_field_index("id")
        ids = pc.ascii_lower(batch.column(index))
        batch = batch.set_column(index, "id", ids)
        if ids.null_count:
            self._skipped_counts.append(ids.null_count)
            batch = batch.filter(pc.is_valid(ids))
        return self._with_agents(batch)

    def _with_agents(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Compute the column `agent` from its two properties; an object with neither is not the user of an agent."""
        if not self._has_agents:
            return batch
        types, parents = (batch.column(name) for name in _AGENT_FIELDS)
        agent = pc.or_(
            pc.fill_null(pc.equal(pc.utf8_lower(types), _AGENT_TYPE), fill_value=False),
            pc.fill_null(pc.not_equal(parents, ""), fill_value=False),
        )
        return batch.drop_columns(list(_AGENT_FIELDS)).append_column(AGENT, agent)


def _fits(value: Any, kind: pa.DataType) -> bool:
    """Return whether a JSON value can be stored in a column of that type; null always can."""
    if value is None:
        return True
    if pa.types.is_boolean(kind):
        return isinstance(value, bool)
    if pa.types.is_list(kind):
        return isinstance(value, list) and all(_fits(item, kind.value_type) for item in value)
    if pa.types.is_struct(kind):
        return isinstance(value, dict) and all(_fits(value.get(field.name), field.type) for field in kind)
    return isinstance(value, str) and _is_encodable(value)


def _is_encodable(text: str) -> bool:
    """Return whether a text can be encoded as UTF-8: JSON can contain unpaired surrogates."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
