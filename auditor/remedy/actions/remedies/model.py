"""Defines the remedy of findings about one subject, from which actions are built; merges remedies of one person."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.actions.kind import ActionKind
from auditor.domain.actions.title import Blocked
from auditor.domain.money import Money
from auditor.domain.result.finding import Finding
from auditor.guidance import Situation
from auditor.remedy.kinds import REVIEW_ARTICLES
from auditor.remedy.requests import GraphRequest, assign_user

_REMOVING: Final = frozenset({ActionKind.UNASSIGN, ActionKind.LEAVE_GROUP})
_SAME_FOR_EVERY_PRODUCT: Final = frozenset({ActionKind.ERROR, ActionKind.REPROCESS, ActionKind.COPY, ActionKind.COPIES})


class Remedy(Struct, frozen=True, gc=False):
    """The change that fixes some findings about one subject."""

    kind: ActionKind
    findings: tuple[Finding, ...]
    situation: Situation
    article: str
    old: str = ""
    """The skuId, or the text of the policy, of the product that is removed or concerned."""
    new: str = ""
    """The skuId, or the text of the policy, of the product that is added."""
    extra: tuple[str, ...] = ()
    """Ids of groups, names of services or properties, or what else the title names; of overlapping products the
    smallest, if it is known."""
    requests: tuple[GraphRequest, ...] = ()
    seats: int = 0
    """Seats to buy or to remove, or people over a quota; 0 if people are counted instead."""
    money: Money | None = None
    """The monthly amount that the title names."""
    lost: tuple[str, ...] = ()
    """Service plans that the person loses."""
    proven: bool = False
    """Whether the requests come from a plan, which takes into account everything that the person holds."""
    answered: bool = False
    """Whether somebody decided about all of the findings."""
    blocked: Blocked | None = None
    """Why no request can carry out the decision."""
    declined: bool = False
    """Whether the decision is not to renew."""

    @property
    def subject(self) -> str:
        """The id of the person, product, subscription or group; the product if there are no findings."""
        return self.findings[0].subject.id if self.findings else self.old

    @property
    def old_products(self) -> list[str]:
        """The ids of the products that are removed or concerned."""
        return self.old.split("+")

    @property
    def old_groups(self) -> tuple[str, ...]:
        """The ids of the groups that the person leaves."""
        return self.extra if self.kind is ActionKind.LEAVE_GROUP else ()

    @property
    def is_about_account(self) -> bool:
        """Whether the licences are removed because of the account: a leaver, a guest, a mailbox or an inactive user."""
        return self.kind in _REMOVING and self.article in REVIEW_ARTICLES and self.situation.self_service is not True

    @property
    def combines_products(self) -> bool:
        """Whether its action combines several products, because the same is done about each of them."""
        overlaps = self.kind is ActionKind.OVERLAP and bool(self.extra)
        return overlaps or self.is_about_account or self.kind in _SAME_FOR_EVERY_PRODUCT


class PlannedChange(Struct, frozen=True, kw_only=True, gc=False):
    """The change that a plan chose for some findings of one person."""

    kind: ActionKind
    findings: tuple[str, ...]
    """Fingerprints."""
    old: str = ""
    new: str = ""
    extra: tuple[str, ...] = ()
    requests: tuple[GraphRequest, ...] = ()
    lost: tuple[str, ...] = ()
    answered: bool = False
    """Whether somebody decided about all of the findings."""
    blocked: Blocked | None = None
    """Why no request can carry out the decision."""


def merged(situations: Iterable[Situation]) -> Situation:
    """Merge the situations of several findings about a person: a fact that is known in one is known in the result."""
    first, *others = situations
    for other in others:
        if other is not first:
            first = replace(
                first,
                inactive=first.inactive or other.inactive,
                never_signed_in=first.never_signed_in or other.never_signed_in,
                replacement_required=first.replacement_required or other.replacement_required,
                self_service=first.self_service or other.self_service,
                is_trial=first.is_trial or other.is_trial,
                path=first.path or other.path,
            )
    return first


def merge_same_article(remedies: Sequence[Remedy]) -> list[Remedy]:
    """Merge removals that follow the same article, so that a leaver's mailbox is backed up once."""
    single: list[Remedy] = []
    by_article: dict[tuple[ActionKind, str], list[Remedy]] = {}
    for remedy in remedies:
        if remedy.is_about_account:
            by_article.setdefault((remedy.kind, remedy.article), []).append(remedy)
        else:
            single.append(remedy)
    return [*single, *map(_merged, by_article.values())]


def _merged(remedies: Sequence[Remedy]) -> Remedy:
    if len(remedies) == 1:
        return remedies[0]
    remedies = sorted(remedies, key=lambda remedy: remedy.old)
    first = remedies[0]
    products = [remedy.old for remedy in remedies]
    direct = all(remedy.requests for remedy in remedies)
    return replace(
        first,
        findings=tuple(finding for remedy in remedies for finding in remedy.findings),
        old="+".join(products),
        extra=tuple(dict.fromkeys(group for remedy in remedies for group in remedy.old_groups)),
        requests=(assign_user(first.subject, remove=products),) if direct else (),
    )
