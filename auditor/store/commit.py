"""Commits: the record of one snapshot of one tenant in a store, as JSON with a digest of itself."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message, joined
from auditor.domain.syntax.limits import LARGEST, run_instant
from auditor.files import json_document
from auditor.files.document_schema import Refusal, check_schema
from auditor.files.json_document import Whole
from auditor.snapshot.manifest import decode
from auditor.snapshot.model import Manifest

SCHEMA: Final = "auditor/store/v1"
_FOREIGN: Final = Refusal(slug="store-foreign", hint=Message("specify a store that `auditor store` made"))
_OTHER_VERSION: Final = Refusal(
    slug="store-version", hint=Message("use the version of auditor that wrote it, or a newer one")
)
_DIGEST_KEY: Final = b',"digest":"sha256:'
_PART_NAME: Final = r"\A[a-z0-9-]{1,63}/parts/[0-9T.-]+Z-[0-9a-f]{16}\.zip\Z"
_COMMIT_NAME: Final = re.compile(r"[a-z0-9-]{1,63}/nights/([0-9T.-]+Z)\.json")
_Count = Annotated[int, Meta(ge=0, le=LARGEST)]
"""A number of rows or bytes."""


class PartEntry(Struct, frozen=True, kw_only=True, rename={"size": "bytes"}):
    """The entry of one object in a commit."""

    name: Annotated[str, Meta(pattern=_PART_NAME)]
    kind: str
    size: _Count
    sha256: str


class Night(Struct, frozen=True, kw_only=True):
    """One snapshot in the store; it exists once its commit, which is written last, exists."""

    manifest_text: str
    """The manifest.json of the stored snapshot, unchanged."""
    parts: tuple[PartEntry, ...]
    """The objects from which the night is restored, in order: the first is complete, the others are deltas."""
    content: Mapping[str, str]
    """Table name → digest of its content."""
    row_groups: tuple[int, ...]
    """Number of users in each row group."""
    summary: Mapping[str, Any]
    """Counts and sums for trends, which therefore need not read users."""
    manifest: Manifest
    identity: str

    @property
    def tenant(self) -> str:
        """The tenant's name."""
        return self.manifest.tenant

    @property
    def instant(self) -> datetime:
        """When the collection began."""
        return self.manifest.instant

    @property
    def own_size(self) -> int:
        """Bytes of the object that this night added."""
        return self.parts[-1].size


class NightCounts(Struct, frozen=True, kw_only=True):
    """The data of a night that trends need, from its commit or computed from a snapshot."""

    instant: datetime
    complete: bool
    summary: Mapping[str, Any]


def another_name(name: str) -> str:
    """Return a different name for the object of a night if its name is taken; it has the same digest."""
    return "-2Z-".join(name.rsplit("Z-", 1))


def instant_name(name: str) -> str | None:
    """Return the instant in the name of a commit; None if the object is not a commit."""
    match = _COMMIT_NAME.fullmatch(name)
    return None if match is None else match[1]


def encode(night: Night) -> bytes:
    """Encode a commit as JSON that ends with its own digest."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "tenant": night.tenant,
        "instant": night.instant.isoformat(),
        "complete": night.manifest.complete,
        "manifest": night.manifest_text,
        "parts": msgspec.to_builtins(night.parts),
        "content": dict(night.content),
        "rowGroups": list(night.row_groups),
        "summary": dict(night.summary),
    }
    return with_digest(document)


def decode_night(body: bytes, where: str) -> Night:
    """Decode a commit. Raises SnapshotError if it is damaged or of a newer version."""
    document = checked_document(body, where, SCHEMA)
    try:
        text = document["manifest"]
        manifest, _, identity = decode(text.encode(), where=where)
        check_tenant(document["tenant"], manifest.tenant, where)
        night = Night(
            manifest_text=text,
            parts=json_document.checked(document["parts"], tuple[PartEntry, ...]),
            content=json_document.checked(document["content"], dict[str, str]),
            row_groups=json_document.checked(document["rowGroups"], tuple[_Count, ...]),
            summary=_checked_summary(document["summary"]),
            manifest=manifest,
            identity=identity,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged(where, Message("has a missing or damaged value: {error}", error=error)) from error
    for part in night.parts:
        check_tenant(part.name.partition("/")[0], night.tenant, where)
    return night


def check_tenant(named: str, tenant: str, where: str) -> None:
    """Raise SnapshotError if a commit, or an object in it, does not belong to the tenant of its path."""
    if named != tenant:
        raise damaged(
            where, Message("belongs to the tenant {named}, but is stored under {tenant}", named=named, tenant=tenant)
        )


class _Seat(msgspec.Struct, rename="camel"):
    sku_id: str
    sku_part_number: str | None
    enabled: Whole | None
    warning: Whole | None
    consumed: Whole | None
    holders: Whole | None = None
    applies_to: str | None = None


class _CohortCounts(msgspec.Struct):
    kept: Whole
    new: Whole
    reclaimed: Whole
    lapsed: Whole


class _Cohorts(msgspec.Struct):
    since: str
    skus: dict[str, _CohortCounts]


class _Summary(msgspec.Struct, rename="camel"):
    seats: list[_Seat]
    display_name: str = ""
    users: Whole | None = None
    blocked: Whole | None = None
    licensed: Whole | None = None
    cohorts: _Cohorts | None = None


def _checked_summary(value: Any) -> Mapping[str, Any]:
    """Return the summary of a night. Raises ValueError if trends cannot be computed from it."""
    cohorts = json_document.checked(value, _Summary).cohorts
    if cohorts is not None:
        run_instant(cohorts.since)
    summary: Mapping[str, Any] = value
    return summary


def checked_name(name: object, pattern: re.Pattern[str]) -> str:
    """Return the name of an object, which becomes part of a path. Raises ValueError if it does not match `pattern`."""
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise ValueError(f"the name of an object: {name!r}")
    return name


def decode_counts(body: bytes, where: str, *, tenant: str) -> NightCounts:
    """Decode only the counts of a commit. Raises SnapshotError if it is damaged or of another tenant."""
    document = checked_document(body, where, SCHEMA)
    try:
        check_tenant(str(document["tenant"]), tenant, where)
        return NightCounts(
            instant=run_instant(document["instant"]),
            complete=document["complete"] is True,
            summary=_checked_summary(document["summary"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(where, Message("has a missing or damaged value: {error}", error=error)) from error


def with_digest(document: Mapping[str, Any]) -> bytes:
    """Encode a document as JSON whose last key is the digest of the text before it."""
    text = json.dumps(document, separators=(",", ":")).encode()
    return text[:-1] + _DIGEST_KEY + hashlib.sha256(text).hexdigest().encode() + b'"}\n'


def checked_document(body: bytes, where: str, schema: str) -> dict[str, Any]:
    """Decode a JSON object of the store and check its digest and schema. Raises SnapshotError."""
    try:
        document = json_document.decode(body)
    except ValueError as error:
        raise damaged(f"{where}:", json_document.invalid(error)) from error
    check_schema(document, schema, where, foreign=_FOREIGN, other_version=_OTHER_VERSION)
    text, _, digest = body.rpartition(_DIGEST_KEY)
    if hashlib.sha256(text + b"}").hexdigest().encode() != digest.partition(b'"')[0]:
        raise damaged(where, Message("was changed after it was written"))
    return dict(document)


def damaged(where: str, what: Message) -> SnapshotError:
    """Return the error for an object that differs from what was stored; `what` follows its name in the sentence."""
    return SnapshotError(
        "store-damaged",
        joined(" ", (where, what)),
        hint=Message("restore the object from a copy; `auditor store check` lists which nights are undamaged"),
    )


def check_directory(where: str, tenant: str, stored_id: str, tenant_id: str) -> None:
    """Raise SnapshotError if the directory (tenant id) of a tenant's name has changed."""
    if stored_id and stored_id.casefold() != tenant_id.casefold():
        raise SnapshotError(
            "store-tenant",
            Message(
                "{where} has the tenant {tenant} with another tenant id: {known}, not {given}",
                where=where,
                tenant=tenant,
                known=stored_id,
                given=tenant_id,
            ),
            hint=Message("give one of them another name in the tenants file, or keep it in a store of its own"),
        )
