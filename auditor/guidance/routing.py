"""Selects guidance articles by the facts of a finding; these rules are shared by several checks."""

from types import MappingProxyType
from typing import Final

from msgspec import Struct

from auditor.domain.enums import Agreement, Cloud
from auditor.guidance.model import Variant

Articles = tuple[str, ...]


class Situation(Struct, frozen=True, kw_only=True):
    """The facts of a finding's subject, product and tenant; None means unknown, not False."""

    account_enabled: bool | None = None
    user_type: str | None = None
    mailbox_type: str | None = None
    """Graph's `mailboxSettings.userPurpose`."""
    inactive: bool | None = None
    never_signed_in: bool | None = None
    directory_role: bool | None = None
    """Whether the policy is about people who have a directory role."""
    path: str | None = None
    """How the licence reaches the user: `direct`, `group` or `both`."""
    on_premises_synced: bool | None = None
    disables: bool | None = None
    """Whether the correction turns a service off; False if it turns one on."""
    replacement_required: bool | None = None
    """Whether a policy requires another product for this user."""
    self_service: bool | None = None
    """Whether the product was bought by a user, or is a viral trial."""
    error_code: str | None = None
    """The error of the assignment, with or without `@groupId`."""
    attribute: str | None = None
    """The property of an `attribute.*` finding."""
    status: str | None = None
    """The subscription's status as Graph names it."""
    is_trial: bool | None = None
    agreement: Agreement = Agreement.UNKNOWN
    cloud: Cloud = Cloud.WORLDWIDE

    def variant(self) -> Variant:
        """Return the facts that select the variant of an article."""
        return Variant(
            cloud=self.cloud,
            agreement=self.agreement,
            path=self.path,
            status=self.status,
            synced=self.on_premises_synced,
            disables=self.disables,
        )


ERRORS: Final = MappingProxyType(
    {
        "CountViolation": "group-error-count",
        "MutuallyExclusiveViolation": "group-error-exclusive",
        "DependencyViolation": "group-error-dependency",
        "ProhibitedInUsageLocationViolation": "group-error-location",
        "UniquenessViolation": "group-error-uniqueness",
        "Other": "group-error-other",
    }
)
"""Graph's `licenseAssignmentState.error` → article; the older `Others` and unknown ones: group-error-other."""
_ARTICLES: Final = MappingProxyType({code.lower(): article for code, article in ERRORS.items()})

STOPPED: Final = frozenset({"suspended", "lockedout"})
_UNATTENDED: Final = frozenset({"shared", "room", "equipment"})


SEPARATE_ACCOUNTS: Final = "separate-accounts"


def account_facts(
    *, account_enabled: bool | None, user_type: str | None, mailbox_type: str | None
) -> tuple[bool | None, str | None, str | None]:
    """Return the facts, with None for each value that selects no article; for most accounts this is all of them."""
    return (
        False if account_enabled is False else None,
        user_type if (user_type or "").lower() == "guest" else None,
        mailbox_type if (mailbox_type or "").lower() in _UNATTENDED else None,
    )


def unwanted_product(situation: Situation) -> Articles:
    """Return the articles for a licence that this user should not have."""
    articles = (*self_service(situation), *_person(situation), *licence_removal(situation))
    # A leaver or a shared mailbox needs no replacement, whatever policies for other users require.
    if situation.replacement_required is True and not {"former-employee", "shared-mailbox"} & set(_person(situation)):
        return (*self_service(situation), "move-users", *_person(situation), *group_licence(situation))
    # An everyday account keeps its licence and loses the role. An account that nobody works with has no everyday use.
    everyday = not _person(situation) and situation.self_service is not True
    return (SEPARATE_ACCOUNTS,) if everyday and situation.directory_role is True else articles


def self_service(situation: Situation) -> Articles:
    """Return the articles that come first for a product that a user bought."""
    # An admin can remove a product that a user bought only after taking over the subscription.
    return ("self-service-purchases",) if situation.self_service is True else ()


def _person(situation: Situation) -> Articles:
    """Return the articles for the kind of account, the most restrictive first."""
    # The account of a shared mailbox is always blocked, so this comes before the leaver.
    if (situation.mailbox_type or "").lower() in _UNATTENDED:
        return ("shared-mailbox",)
    if situation.account_enabled is False:
        return ("former-employee",)
    if (situation.user_type or "").lower() == "guest":
        return ("guests",)
    if situation.inactive is True or situation.never_signed_in is True:
        return ("inactive-users",)
    return ()


def licence_removal(situation: Situation) -> Articles:
    """Return the articles for removing a licence, by its assignment path."""
    return ("unassign-licenses", *group_licence(situation))


def group_licence(situation: Situation) -> Articles:
    """Return the articles for a licence that a group assigns, or may assign."""
    return ("group-licenses",) if situation.path in {"group", "both", None} else ()


def overlapping_products(situation: Situation) -> Articles:
    """Return the articles for products of one user that contain each other."""
    return (*self_service(situation), "overlap", *_person(situation), *licence_removal(situation))


def services(situation: Situation) -> Articles:
    """Return the articles for switching service plans of a user."""
    return (*self_service(situation), "apps-and-services", *group_licence(situation))


def purchase_channel(situation: Situation) -> Articles:
    """Return the articles that the agreement adds to buying, removing and cancelling."""
    match situation.agreement:
        case Agreement.VOLUME:
            return ("volume-licensing",)
        case Agreement.CSP:
            return ("partner-bought",)
        case _:
            return ()


def trial(situation: Situation) -> Articles:
    """Return the articles to read first about a trial."""
    return ("trials",) if situation.is_trial is True else ()


def trial_purchase(situation: Situation) -> Articles:
    """Return the articles for a trial that is unwanted or ends."""
    return (*self_service(situation), "trials", *purchase_channel(situation))


def ending_subscription(situation: Situation) -> Articles:
    """Return the articles for a subscription that ends."""
    return (*trial(situation), "subscription-end", *purchase_channel(situation))


def user_property(situation: Situation) -> Articles:
    """Return the articles for setting a property of a user."""
    match (situation.attribute or "").lower():
        case "usagelocation":
            return ("usage-location",)
        case "":
            return ("usage-location", "user-attributes")
        case _:
            return ("user-attributes",)


def assignment_error(situation: Situation) -> Articles:
    """Return the articles for an assignment error."""
    return (error_article(situation.error_code or "") or "group-error-other", "group-errors")


def error_article(code: str) -> str | None:
    """Return the article about an error code, also of the form `CODE@GROUP-ID`; None for an unknown one."""
    return _ARTICLES.get(code.partition("@")[0].lower())
