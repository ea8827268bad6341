"""The view model of a mail, from which both parts, text and HTML, are rendered."""

from msgspec import Struct

from auditor.domain.enums import Severity
from auditor.render.text.earlier_run import EarlierRun
from auditor.render.view.curves import Trend
from auditor.render.view.model import Page


class Reader(Struct, frozen=True, kw_only=True):
    """The recipient of a mail, and the data of the mail that is not in the result."""

    locale: str
    weekly: bool = False
    """Whether the mail is sent because a week has passed, and not because of an event."""
    severities: tuple[Severity, ...] = ()
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """The filters of this reader (severities, owners, tags); empty for everything."""
    link: str = ""
    """URL of the report or the run; https, or empty."""
    anchors: bool = False
    """Whether the link leads to the report itself, so that anchors can be appended."""
    attachment: str = ""
    """The name of the attached file; empty if there is none."""
    too_large: str = ""
    """The name of the file that is too large to be attached; empty if there is none."""
    approvals: tuple[str, ...] = ()
    """The names of the files in which the reader approves actions of a plan."""
    approvals_too_large: bool = False
    """Whether these files are too large to be attached."""
    history: tuple[EarlierRun, ...] = ()
    """The totals of earlier runs, for the findings that this reader receives, oldest first."""


class PolicyChanges(Struct, frozen=True, kw_only=True):
    """Findings of one policy that are new, reopened or fixed."""

    key: str
    summary: str
    """Such as `3 new findings`."""
    title: str
    """Such as `violations of “Nobody has two suites”`: the policy's title alone would say the opposite."""
    severity: Severity
    tenant: str
    """Empty if there is only one tenant."""
    href: str


class ActionLine(Struct, frozen=True, kw_only=True):
    """One of the most important things to do."""

    title: str
    severity: Severity
    facts: tuple[str, ...]
    why: str
    """Why it is important."""
    caution: str
    """The first of its warnings."""
    first: str
    """The first of its steps."""
    steps: int
    """Number of its steps."""
    next: str
    """What to do after the last step."""
    href: str
    document: tuple[str, str] | None
    """Label and https address of the documented steps."""


class SeatLine(Struct, frozen=True, kw_only=True):
    """A product whose seats are outside their limits."""

    name: str
    tenant: str
    figures: str
    """Assigned and usable seats, as `assigned / usable`."""
    spare: str
    """Number of spare seats, in words."""
    state: str
    advice: str
    severity: Severity
    bar: tuple[int, int, int] | None
    """Pixels of the parts of a bar: assigned, free, beyond the usable ones; None if a number is not known."""


class UpcomingDate(Struct, frozen=True, kw_only=True):
    """A subscription or contract with an upcoming date."""

    name: str
    tenant: str
    date: str
    summary: str
    consequence: str
    """What happens on the date if nobody decides before it."""


class TenantLine(Struct, frozen=True, kw_only=True):
    """The state of one of several tenants."""

    name: str
    summary: str
    key: str
    """`failed`, `gaps`, `open` or `good`."""
    href: str


class MailView(Struct, frozen=True, kw_only=True):
    """A mail: the page, the reader, and the content that is specific to mails."""

    page: Page
    reader: Reader
    subject: str
    who: str
    preview: str
    """The text that inboxes show after the subject."""
    verdict: str
    plan: tuple[str, ...]
    """The progress of an earlier plan, in sentences."""
    scope: str
    """The severities, owners and tags that filter the content; empty if the reader gets everything."""
    shared: bool
    """Whether amounts of actions also count findings that the reader does not get."""
    completeness: tuple[str, ...]
    more_gaps: int
    """Number of sentences about missing data that are left out."""
    changed: tuple[PolicyChanges, ...]
    more_changed: int
    actions: tuple[ActionLine, ...]
    tenants: tuple[TenantLine, ...]
    more_tenants: int
    seats: tuple[SeatLine, ...]
    more_seats: int
    renewals: tuple[UpcomingDate, ...]
    more_renewals: int
    money: tuple[tuple[str, str], ...]
    """Label and monthly amount."""
    trends: tuple[Trend, ...]
    """The main totals over the runs so far; empty without earlier runs."""
    exceptions: tuple[str, ...]
    run: str


class MailParts(Struct, frozen=True, kw_only=True):
    """A rendered mail."""

    subject: str
    text: str
    html: str
    language: str
