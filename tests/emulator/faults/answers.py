"""Answers that faults send instead of the real one, and faults that change how an answer is sent."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.emulator.faults.model import Fault, Kind
from tests.emulator.faults.throttling import scope_headers, too_many
from tests.emulator.permissions import denied
from tests.emulator.sign_in.tokens import Caller, TokenService
from tests.emulator.wire import Answer, Body, Delivery, GraphError, Request, encoded

REPORTING = "http://reportingservice.activedirectory.windowsazure.com/auditLogs/$metadata#Edm.String"
MESSAGES = {
    500: ("InternalServerError", "Unable to process the request."),
    502: ("BadGateway", ""),
    503: ("serviceNotAvailable", "The service is temporarily unavailable."),
    504: ("UnknownError", ""),
}


def retry_after(text: str | None) -> dict[str, str]:
    """Return the Retry-After header: the text itself, an HTTP date for `date:SECONDS`, no header for None."""
    if text is None:
        return {}
    if text.startswith("date:"):
        instant = datetime.now(UTC) + timedelta(seconds=float(text.removeprefix("date:")))
        return {"Retry-After": format_datetime(instant.replace(microsecond=0), usegmt=True)}
    return {"Retry-After": text}


def replacement(fault: Fault, request: Request, caller: Caller, token: str, service: TokenService) -> Answer:
    """Return the answer that replaces the real one; raises GraphError for faults with Graph's error body."""
    match fault.kind:
        case Kind.HTML:
            page = b"<html><head><title>Service unavailable</title></head><body><h1>Our services aren't available right now</h1></body></html>"
            return Answer(
                status=fault.status,
                body=Body(page),
                headers={"Content-Type": "text/html"} | retry_after(fault.retry_after),
            )
        case Kind.EMPTY_BODY:
            # 503 is the default of `status`, so it means "not set": an empty success is the harder case for clients.
            status = 200 if fault.status == 503 else fault.status
            return Answer(status=status, headers={"Content-Type": "application/json"})
        case Kind.TOO_MANY_USERS:
            document = {"@odata.context": REPORTING, "value": "Cannot query data for more than 120 users at a time."}
            return Answer(status=400, body=Body(encoded(document)), headers={"Content-Type": "application/json"})
        case _:
            raise _error(fault, request, caller, token, service)


def _error(fault: Fault, request: Request, caller: Caller, token: str, service: TokenService) -> GraphError:
    match fault.kind:
        case Kind.THROTTLED:
            return too_many(scope_headers(caller.tenant, caller.client_id) | retry_after(fault.retry_after))
        case Kind.EXPIRED_PAGE_TOKEN:
            message = "The specified page token value has expired and can no longer be included in your request."
            return GraphError(400, "Directory_ExpiredPageToken", message)
        case Kind.LOST_PAGE_TOKEN:
            return lost_token()
        case Kind.DENIED:
            return GraphError(403, fault.code, "Access is denied.") if fault.code else denied()
        case Kind.NON_PREMIUM:
            message = "Neither tenant is B2C or tenant doesn't have premium license"
            return GraphError(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", message)
        case Kind.TOKEN_EXPIRED:
            return service.refuse(token, "expired")
        case Kind.CLAIMS_CHALLENGE:
            return service.refuse(token, "claims")
        case Kind.BAD_REQUEST:
            return GraphError(400, fault.code or "Request_UnsupportedQuery", fault.value or "Unsupported Query.")
        case Kind.RESYNC:
            headers = {"Location": f"{request.root}{request.path}?$deltatoken="}
            return GraphError(410, fault.code or "resyncRequired", "Resync is required.", headers=headers)
        case _:
            code, message = MESSAGES.get(fault.status, ("UnknownError", ""))
            text = fault.value or message
            return GraphError(fault.status, fault.code or code, text, headers=retry_after(fault.retry_after))


def lost_token() -> GraphError:
    message = "The page token referenced by the request was not found. Please restart the query."
    return GraphError(400, "DirectoryPageTokenNotFoundException", message)


def apply_delivery(fault: Fault, response: Answer) -> None:
    """Change how an answer is sent: delayed, in small pieces, truncated, with a reset, or with a wrong Date header."""
    match fault.kind:
        case Kind.SLOW:
            response.delay += fault.seconds
        case Kind.DRIP:
            response.delivery = Delivery.DRIP
            response.delay = fault.seconds
        case Kind.RESET:
            response.delivery = Delivery.RESET
        case Kind.TRUNCATED:
            response.delivery = Delivery.TRUNCATED
        case Kind.CLOCK_SKEW:
            instant = datetime.now(UTC) + timedelta(seconds=fault.seconds)
            response.headers["Date"] = format_datetime(instant.replace(microsecond=0), usegmt=True)
        case _:
            pass
