"""Encodes and decodes manifest.json: a Manifest with the digests of the snapshot's files."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from auditor.domain.enums import Agreement, Cloud, Source, SourceStatus
from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message, encoded, joined, restored
from auditor.domain.result.model import Coverage
from auditor.domain.syntax.limits import count, run_instant, tenant_name
from auditor.files import json_document
from auditor.files.document_schema import Refusal, check_schema
from auditor.files.json_document import Whole
from auditor.snapshot.model import Manifest
from auditor.snapshot.schema import SCHEMA

_FOREIGN: Final = Refusal(slug="snapshot-foreign", hint=Message("specify a folder that `auditor collect` wrote"))
_OTHER_VERSION: Final = Refusal(
    slug="snapshot-version", hint=Message("use the version of auditor that wrote it, or a newer one")
)


class FileEntry(Struct, frozen=True, kw_only=True, rename={"size": "bytes"}):
    """The entry of one file in the manifest."""

    rows: Whole
    size: Whole
    sha256: str


def encode(manifest: Manifest, files: Mapping[str, FileEntry]) -> bytes:
    """Encode a manifest as JSON that contains its own digest."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "tool": {"name": "m365-license-auditor", "version": manifest.tool_version},
        "tenant": {
            "name": manifest.tenant,
            "tenantId": manifest.tenant_id,
            "displayName": manifest.display_name,
            "cloud": manifest.cloud.value,
            "agreement": manifest.agreement.value,
            "locale": manifest.locale,
        },
        "instant": format_instant(manifest.instant),
        "sources": [
            {
                "name": coverage.name.value,
                "status": coverage.status.value,
                "count": coverage.count,
                "readAt": coverage.read_at,
                "reason": coverage.reason,
                "asked": list(coverage.asked),
            }
            for coverage in manifest.sources
        ],
        **_messages(manifest),
        "files": msgspec.to_builtins(dict(sorted(files.items()))),
    }
    document["digest"] = _digest(document)
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def decode(text: bytes, *, where: str) -> tuple[Manifest, dict[str, FileEntry], str]:
    """Decode a manifest to (manifest, files, digest). Raises SnapshotError if it is damaged, foreign or newer."""
    try:
        document = json_document.decode(text)
        digest = document.pop("digest", None) if isinstance(document, dict) else None
        computed = _digest(document)
    except ValueError as error:
        # An unpaired surrogate can be parsed but not encoded: UnicodeEncodeError, a ValueError.
        raise _damaged(joined(": ", (where, json_document.invalid(error)))) from error
    check_schema(document, SCHEMA, where, foreign=_FOREIGN, other_version=_OTHER_VERSION)
    if digest != computed:
        raise _damaged(Message("{where} was changed after it was written", where=where))
    try:
        return _manifest(document), json_document.checked(document["files"], dict[str, FileEntry]), digest
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise _damaged(Message("{where} has a missing or damaged value: {error}", where=where, error=error)) from error


def format_instant(instant: datetime) -> str:
    """Format an instant as RFC 3339 in UTC, without a fraction if that is zero."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _damaged(message: Message) -> SnapshotError:
    return SnapshotError("snapshot-damaged", message, hint=Message("collect the snapshot again"))


def _digest(document: Any) -> str:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def _manifest(document: Mapping[str, Any]) -> Manifest:
    tenant, tool = _part(document, "tenant"), _part(document, "tool")
    instant = run_instant(document["instant"])
    return Manifest(
        tenant=tenant_name(tenant["name"]),
        tenant_id=_text(tenant["tenantId"]),
        display_name=_text(tenant["displayName"]),
        cloud=Cloud(tenant["cloud"]),
        agreement=Agreement(tenant["agreement"]),
        locale=None if tenant["locale"] is None else _text(tenant["locale"]),
        instant=instant,
        tool_version=_text(tool["version"]),
        sources=tuple(_coverage(source, document.get("messages", {})) for source in document["sources"]),
    )


def _messages(manifest: Manifest) -> dict[str, Any]:
    """Return the templates and arguments of reasons, by English text, so that they can be translated; omit if empty."""
    reasons = [source.reason for source in manifest.sources if source.reason is not None]
    messages = {str(reason): encoded(reason) for reason in reasons if reason.arguments}
    return {"messages": messages} if messages else {}


def _coverage(source: Mapping[str, Any], messages: Mapping[str, Any]) -> Coverage:
    return Coverage(
        name=Source(source["name"]),
        status=SourceStatus(source["status"]),
        count=count(source["count"]),
        read_at=None if source["readAt"] is None else _text(source["readAt"]),
        reason=None if source["reason"] is None else restored(_text(source["reason"]), messages),
        asked=tuple(map(_text, list(source["asked"]))),
    )


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document[name]
    if not isinstance(part, dict):
        raise TypeError(f"'{name}' must be an object, not {part!r}")
    return part


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} must be a text")
    return value
