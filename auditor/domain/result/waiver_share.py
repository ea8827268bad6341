"""What the result of a tenant states about waivers of fleet findings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverShare:
    """Which of a tenant's SKUs the products of a waiver contain."""

    waiver: str
    sku_ids: tuple[str, ...]
    doubtful: tuple[str, ...] = ()
    """SKUs for which this is unknown."""
