"""What the oracle is given besides dicts, and what it answers."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from msgspec import Struct, field

Document = dict[str, Any]
"""A policy file, or any mapping in it, as YAML gives it."""
Written = tuple[Literal["written"], str]
Product = str | Written | None
"""A skuId in lower case, or the product as the policy writes it, or none."""


class Catalogue(Struct, frozen=True, kw_only=True):
    """What is known about products apart from any tenant."""

    skus: Mapping[str, tuple[str, list[tuple[str, str]]]] = field(default_factory=dict)
    """skuId -> (skuPartNumber, [(servicePlanId, servicePlanName)])."""
    free: frozenset[str] = frozenset()
    """Part numbers or skuIds of no-cost products."""


class FindingKey(NamedTuple):
    """What makes one finding the same finding tomorrow; the tenant is told by where it stands."""

    policy: str
    check: str
    subject_type: str
    subject_id: str
    product: Product
    detail: str | None


class Judged(Struct, frozen=True, kw_only=True):
    """A finding's status; `waiver` names the waiver that waived it."""

    status: Literal["open", "waived", "report-only"]
    waiver: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Seats: enabled, warning, suspended, lockedOut, consumed, usable, spare, adjust, boundsHold; quota: assigned, max.

    `adjust` is None where no number of seats keeps the minimum (100 % of a product in use). `boundsHold` is False where
    no number of seats keeps both bounds.
    """


class TenantVerdict(Struct, frozen=True, kw_only=True):
    """One tenant, or the fleet."""

    findings: Mapping[FindingKey, Judged]
    outcomes: Mapping[str, str]
    """Policy id -> pass | fail | waived | report-only | not-evaluated."""
    judged: Mapping[str, int | None]
    """Policy id -> how many people or things it certainly looks at; None where it is not evaluated."""
    notices: frozenset[tuple[str, str]]
    """(code, subject); subject is a waiver's id, a product as written, or a policy's id."""


class Verdict(Struct, frozen=True, kw_only=True):
    """The whole run, tenants by name."""

    tenants: Mapping[str, TenantVerdict]
    fleet: TenantVerdict


class Claim(Struct, frozen=True, kw_only=True):
    """A possible finding and whether it holds; True raises it, None leaves its policy not evaluated."""

    truth: bool | None
    check: str = ""
    subject: tuple[str, str] = ("", "")
    product: Product = None
    detail: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] | None = None
    part: str | None = None
    """The part number that the subject itself tells of its product."""
    skus: Mapping[str, bool | None] | None = None
    """For a product as written: the SKUs it may stand for, with whether it does."""


NOT_EVALUATED = Claim(truth=None)
