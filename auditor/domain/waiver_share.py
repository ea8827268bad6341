"""What a tenant's result says of the waivers for findings about the fleet."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverShare:
    """Which of a tenant's SKUs the products of a waiver contain."""

    waiver: str
    sku_ids: tuple[str, ...]
    doubtful: tuple[str, ...] = ()
    """SKUs of which that is not known."""
