"""Data types of the oracle: its catalogue, claims and verdicts."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from msgspec import Struct, field

Document = dict[str, Any]
"""A policy file, or any mapping in it, as parsed from YAML."""
Written = tuple[Literal["written"], str]
Product = str | Written | None
"""A skuId in lower case, a product set as written in the policy, or None."""


class Catalogue(Struct, frozen=True, kw_only=True):
    """Product facts that are independent of tenants."""

    skus: Mapping[str, tuple[str, list[tuple[str, str]]]] = field(default_factory=dict)
    """skuId -> (skuPartNumber, [(servicePlanId, servicePlanName)])."""
    free: frozenset[str] = frozenset()
    """Part numbers or skuIds of no-cost products."""


class FindingKey(NamedTuple):
    """The identity of a finding within its tenant, or within the fleet; it is the same in the next audit."""

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

    `adjust` is None if no number of seats keeps the minimum (100 % of a product in use). `boundsHold` is False if no
    number of seats keeps both bounds.
    """


class TenantVerdict(Struct, frozen=True, kw_only=True):
    """The verdict on one tenant or on the fleet."""

    findings: Mapping[FindingKey, Judged]
    outcomes: Mapping[str, str]
    """Policy id -> pass | fail | waived | report-only | not-evaluated."""
    judged: Mapping[str, int | None]
    """Policy id -> number of people or objects that it certainly judges; None if it is not evaluated."""
    notices: frozenset[tuple[str, str]]
    """(code, subject); subject is a waiver's id, a product as written, or a policy's id."""


class Verdict(Struct, frozen=True, kw_only=True):
    """The verdict of a run, with tenants by name."""

    tenants: Mapping[str, TenantVerdict]
    fleet: TenantVerdict


class Claim(Struct, frozen=True, kw_only=True):
    """A possible finding. If `truth` is True it is a finding; if None (unknown), its policy is not evaluated."""

    truth: bool | None
    check: str = ""
    subject: tuple[str, str] = ("", "")
    product: Product = None
    detail: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] | None = None
    part: str | None = None
    """The part number of the product, if the subject itself has one."""
    skus: Mapping[str, bool | None] | None = None
    """For a product set as written: the SKUs that it may contain, and whether it does."""
    names: frozenset[str] = frozenset()
    """For the product set of a contract: the SKUs that it names, also those that nobody knows, in folded case."""


NOT_EVALUATED = Claim(truth=None)
