"""What a mail says, as plain values: both its parts, text and HTML, are made of them and have the same content."""

from msgspec import Struct

from auditor.domain.enums import Severity
from auditor.render.html.view import Page
from auditor.render.text.earlier_run import EarlierRun, Sparkline


class Reader(Struct, frozen=True, kw_only=True):
    """For whom a mail is written, and what stands beside the result."""

    locale: str
    weekly: bool = False
    """Whether it goes out because a week has passed, not because something happened."""
    severities: tuple[Severity, ...] = ()
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """What this reader asked for; empty for everything."""
    link: str = ""
    """Where the report, or the run, can be read; https or empty."""
    anchors: bool = False
    """Whether the link leads to the report itself, so that its places can be linked."""
    attachment: str = ""
    """The name of the file that goes with the mail; empty for none."""
    too_large: str = ""
    """The name of a file that would have gone with it, and did not fit."""
    approvals: tuple[str, ...] = ()
    """The names of the files in which the reader approves actions of a plan."""
    approvals_too_large: bool = False
    """Whether they did not fit."""
    history: tuple[EarlierRun, ...] = ()
    """What earlier runs came to in the part that this reader receives, oldest first."""


class Changed(Struct, frozen=True, kw_only=True):
    """Findings of one policy that came, came back, or went."""

    key: str
    summary: str
    """Such as `3 new`."""
    title: str
    severity: Severity
    tenant: str
    """Empty where there is one tenant only."""
    href: str


class Act(Struct, frozen=True, kw_only=True):
    """One of the few things to do first."""

    title: str
    severity: Severity
    facts: tuple[str, ...]
    why: str
    """Why it is among the first."""
    caution: str
    """The first of its warnings."""
    first: str
    """The first of its steps."""
    next: str
    """Where to go on."""
    href: str
    document: tuple[str, str] | None
    """Label and https address of the documented steps."""


class SeatLine(Struct, frozen=True, kw_only=True):
    """A product whose seats are outside their limits."""

    name: str
    tenant: str
    figures: str
    """Assigned of usable."""
    spare: str
    state: str
    advice: str
    severity: Severity
    bar: tuple[int, int, int] | None
    """Pixels of a bar of BAR: assigned, free, beyond what is usable; None where a number is not known."""


class Renewal(Struct, frozen=True, kw_only=True):
    """A subscription whose next date is near."""

    name: str
    tenant: str
    date: str
    summary: str
    happens: str
    """What happens on the date where nobody decides before it."""


class TenantLine(Struct, frozen=True, kw_only=True):
    """How one of several tenants stands."""

    name: str
    summary: str
    key: str
    """`failed`, `gaps`, `open` or `good`."""
    href: str


class MailView(Struct, frozen=True, kw_only=True):
    """A whole mail: its page and reader, and what only a mail says or says in fewer words."""

    page: Page
    reader: Reader
    subject: str
    who: str
    preview: str
    """What an inbox shows after the subject."""
    verdict: str
    plan: tuple[str, ...]
    """What became of an earlier plan, in sentences."""
    scope: str
    completeness: tuple[str, ...]
    more_gaps: int
    """Sentences about what is missing that are not told."""
    changed: tuple[Changed, ...]
    more_changed: int
    acts: tuple[Act, ...]
    tenants: tuple[TenantLine, ...]
    more_tenants: int
    seats: tuple[SeatLine, ...]
    more_seats: int
    renewals: tuple[Renewal, ...]
    more_renewals: int
    money: tuple[tuple[str, str], ...]
    """Label and amount a month."""
    trends: tuple[Sparkline, ...]
    """The main figures over the runs so far; none without an earlier run."""
    exceptions: tuple[str, ...]
    run: str


class MailParts(Struct, frozen=True, kw_only=True):
    """A mail as it leaves rendering."""

    subject: str
    text: str
    html: str
    language: str
