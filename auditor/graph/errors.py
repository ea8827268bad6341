"""Faults: what Graph refused or failed to do, with its kind, message and remedy."""

from enum import StrEnum

from msgspec import Struct

from auditor.domain.enums import SourceStatus
from auditor.domain.errors import GraphError, printable
from auditor.domain.message import Message, joined


class FaultKind(StrEnum):
    """The kinds of faults that the auditor treats differently; the value is the slug of the message."""

    DENIED = "graph-denied"
    NO_PREMIUM = "graph-no-premium"
    MISSING = "graph-missing"
    NO_MAILBOX = "graph-no-mailbox"
    PAGE_EXPIRED = "graph-page-expired"
    PAGE_UNKNOWN = "graph-page-unknown"
    TOO_LARGE = "graph-page-too-large"
    UNSUPPORTED = "graph-unsupported"
    THROTTLED = "graph-throttled"
    FAILING = "graph-failing"
    UNREACHABLE = "graph-unreachable"
    NOT_GRAPH = "graph-not-graph"
    FOREIGN = "graph-foreign-link"
    FORBIDDEN = "graph-forbidden-request"
    LOOP = "graph-page-loop"
    SIGNED_OUT = "graph-signed-out"


class Fault(Struct, frozen=True, kw_only=True):
    """A refusal or failure that remains after all retries."""

    kind: FaultKind
    message: Message
    remedy: Message | None = None
    status: int | None = None
    code: str = ""

    @property
    def reason(self) -> Message:
        """The message and its remedy, as shown in the coverage of a source."""
        return self.message if self.remedy is None else joined("; ", (self.message, self.remedy))

    def coverage(self, *, read: int) -> SourceStatus:
        """Return the status of a source that failed after reading `read` objects."""
        if read:
            return SourceStatus.PARTIAL
        return SourceStatus.DENIED if self.kind is FaultKind.DENIED else SourceStatus.UNAVAILABLE


class FaultError(GraphError):
    """Raised if a request fails or a list cannot be read completely; `fault` has the details."""

    fault: Fault

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.kind.value, fault.message, hint=fault.remedy)
        self.args = (fault,)
        self.fault = fault


def fault(kind: FaultKind, message: Message, *, remedy: Message | None = None) -> Fault:
    """Return a fault that is not based on an answer of Graph; the default remedy is that of its kind."""
    return Fault(kind=kind, message=message.rewritten(printable), remedy=remedy or REMEDIES[kind])


def fault_error(kind: FaultKind, message: Message, *, remedy: Message | None = None) -> FaultError:
    """Return a FaultError with a fault as `fault` returns it."""
    return FaultError(fault(kind, message, remedy=remedy))


REMEDIES: dict[FaultKind, Message | None] = {
    FaultKind.DENIED: (
        Message("grant the application the missing permission and consent (`auditor doctor` prints the commands)")
    ),
    FaultKind.NO_PREMIUM: Message("sign-in activity needs Microsoft Entra ID P1 or P2 in the tenant"),
    FaultKind.MISSING: None,
    FaultKind.NO_MAILBOX: None,
    FaultKind.PAGE_EXPIRED: Message("Graph rejected its own page tokens several times; collect again later"),
    FaultKind.PAGE_UNKNOWN: Message("Graph rejected its own page tokens several times; collect again later"),
    FaultKind.TOO_LARGE: None,
    FaultKind.UNSUPPORTED: Message("Graph does not support this query in this cloud; if it should, report a bug"),
    FaultKind.THROTTLED: Message("other applications use the tenant's quota too; collect again later"),
    FaultKind.FAILING: (
        Message("the service had a fault; collect again later and see the Microsoft 365 service health page")
    ),
    FaultKind.UNREACHABLE: Message(
        "check the network, the proxy (HTTPS_PROXY) and the CA certificates (SSL_CERT_FILE)"
    ),
    FaultKind.NOT_GRAPH: Message(
        "another server responds at Graph's address: check the proxy and the endpoint setting"
    ),
    FaultKind.FOREIGN: Message("check which server responds at Graph's address"),
    FaultKind.FORBIDDEN: None,
    FaultKind.LOOP: Message("collect again; Graph's list had no last page"),
    FaultKind.SIGNED_OUT: Message("check that the token is for this cloud and tenant and has not expired"),
}
