"""The closed vocabularies of the audit: severities, clouds, agreements, sources and their states."""

from collections.abc import Iterable
from enum import IntEnum, StrEnum, auto


class Severity(StrEnum):
    """How much a finding matters; members are ordered from critical to info."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for critical up to 4 for info: the sort key of every list of findings."""
        return _SEVERITY_RANK[self]

    def reaches(self, threshold: "Severity") -> bool:
        """Whether this severity is at or above the threshold."""
        return self.rank <= threshold.rank


def worst_severity(severities: Iterable[Severity]) -> Severity:
    """Return the worst of some severities; INFO if there are none."""
    return min(severities, key=lambda severity: severity.rank, default=Severity.INFO)


_SEVERITY_RANK = {severity: rank for rank, severity in enumerate(Severity)}


class Cloud(StrEnum):
    """A Microsoft cloud; `germany` closed on 2021-10-29 and remains for old snapshots and guidance only."""

    WORLDWIDE = "worldwide"
    USGOV = "usgov"
    USGOV_DOD = "usgov-dod"
    CHINA = "21vianet"
    GERMANY = "germany"


class Agreement(StrEnum):
    """The purchase agreement, which determines how seats are bought and removed; Graph does not provide it."""

    MCA = "mca"
    MOSA = "mosa"
    VOLUME = "volume"
    CSP = "csp"
    UNKNOWN = "unknown"


class Source(StrEnum):
    """One separately readable and separately refusable part of a tenant's state."""

    ORGANIZATION = "organization"
    SUBSCRIBED_SKUS = "subscribedSkus"
    SUBSCRIPTIONS = "subscriptions"
    USERS = "users"
    SIGN_IN_ACTIVITY = "signInActivity"
    MAILBOXES = "mailboxes"
    GROUPS = "groups"
    MEMBERS = "members"
    USAGE = "usage"
    """Days of the last activity in each service, from the report of active users."""
    APP_USAGE = "appUsage"
    """Microsoft 365 Apps that were used in a period, from the report of apps."""
    COPILOT_USAGE = "copilotUsage"
    MAILBOX_USAGE = "mailboxUsage"
    DIRECTORY_ROLES = "directoryRoles"
    CONDITIONAL_ACCESS = "conditionalAccess"
    DEVICES = "devices"


CORE_SOURCES = tuple(Source)[: tuple(Source).index(Source.USAGE)]
"""Sources that are unavailable if a tenant cannot be read; the others are read only if a policy needs them."""


class SourceStatus(StrEnum):
    """How much of a source was read."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    """Some of it was read: what was read is true, what is absent may exist."""
    DENIED = "denied"
    """The tenant refused: a permission is missing."""
    UNAVAILABLE = "unavailable"
    """The tenant cannot provide it: no premium licence, concealed names, a failing service."""
    NOT_NEEDED = "not-needed"
    """No policy needed it when the snapshot was taken."""

    @property
    def is_read(self) -> bool:
        """Whether at least a part of the source was read."""
        return self in {SourceStatus.COMPLETE, SourceStatus.PARTIAL}


class Status(StrEnum):
    """The state of a finding after waivers were applied."""

    OPEN = "open"
    WAIVED = "waived"
    REPORT_ONLY = "report-only"
    """No waiver covers it, and its policy is report-only: it is shown but does not count."""


class Outcome(StrEnum):
    """The outcome of a policy in one tenant."""

    PASS = "pass"  # noqa: S105  an outcome
    FAIL = "fail"
    WAIVED = "waived"
    REPORT_ONLY = "report-only"
    """The policy has findings, and none of them counts."""
    NOT_EVALUATED = "not-evaluated"


class Change(StrEnum):
    """The change of a finding since the previous run."""

    NEW = "new"
    REOPENED = "reopened"
    UNCHANGED = "unchanged"


class SubjectType(StrEnum):
    """What a finding is about."""

    USER = "user"
    PRODUCT = "product"
    SUBSCRIPTION = "subscription"
    GROUP = "group"
    TENANT = "tenant"
    FLEET = "fleet"


class Engine(StrEnum):
    """Where the users of a tenant are evaluated; the findings are the same."""

    LOCAL = "local"
    SPARK = "spark"


def applies_to_people(applies_to: str) -> bool:
    """Return whether a product with this `appliesTo` is assigned to people; storage, for example, is not."""
    return applies_to.casefold() == "user"


class Contents(IntEnum):
    """What the result of an audit contains in addition to outcomes and notices.

    Formats need one of the guided contents or ACTIONS; each of these contains the ones before it.
    """

    OUTCOMES = auto()
    """Nothing: no findings."""
    GUIDED_COLUMNS = auto()
    """Findings with their guidance; those about users have no evidence."""
    FINDINGS = auto()
    """Findings with evidence, but without guidance."""
    GUIDED_FINDINGS = auto()
    """Findings with evidence and guidance."""
    ACTIONS = auto()
    """Findings with evidence and guidance, and the actions that correct them."""
