"""Parses a location: a folder, or the address of an object store."""

from pathlib import Path


def location(text: str) -> Path | str:
    """Return a folder, or a checked address such as `s3://bucket/audits`. Raises UsageError for an unknown scheme."""
    if "://" not in text:
        return Path(text)
    from auditor.store.objects.location import parse  # noqa: PLC0415  a folder needs none of it

    return parse(text)
