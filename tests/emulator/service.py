"""Answers requests to Graph: checks the token, applies faults, throttling and permissions, calls the handler."""

from msgspec import Struct, field
from msgspec.structs import replace

from tests.emulator import permissions
from tests.emulator.endpoints import (
    access,
    batch,
    graph,
    groups,
    intune,
    licensing,
    mail,
    memberships,
    reports,
    user_update,
)
from tests.emulator.endpoints.graph import Call, Route
from tests.emulator.faults import answers, pages
from tests.emulator.faults.answers import apply_delivery
from tests.emulator.faults.model import ON_REPORTS, ON_THE_WIRE, REPLACING, Fault, Kind, Registry
from tests.emulator.faults.throttling import Throttle
from tests.emulator.odata.listing import PageCache
from tests.emulator.sign_in.tokens import Caller, TokenService
from tests.emulator.tenant.directory import Tenant
from tests.emulator.wire import Answer, GraphError, Request, failure, with_headers

ROUTES: tuple[Route, ...] = (
    *graph.READ, *access.ROUTES, *groups.ROUTES, *intune.ROUTES, *reports.ROUTES, *mail.ROUTES, *licensing.ROUTES, *memberships.ROUTES, *user_update.ROUTES,
    *batch.ROUTES,
)  # fmt: skip


class Outcome(Struct):
    """An answer and what the journal records about it; `items` are the requests of a batch."""

    answer: Answer
    tenant: str = ""
    faults: tuple[str, ...] = ()
    items: list[tuple[Request, "Outcome"]] = field(default_factory=list)


class GraphService:
    """Microsoft Graph v1.0 for the tenants of a token service."""

    def __init__(self, tokens: TokenService) -> None:
        self.tokens = tokens
        self.faults = Registry()
        self.throttle = Throttle()
        self.cache = PageCache()
        self.uploads: dict[str, mail.Upload] = {}

    def handle(self, request: Request) -> Outcome:
        """Return the outcome of one request; GraphErrors become answers."""
        outcome = Outcome(Answer())
        cost: int | None = None
        try:
            caller, token = self._caller(request)
            outcome.tenant = caller.tenant.name
            faults = self.faults.applicable(request, (caller.tenant.name.lower(), caller.tenant.tenant_id.lower()))
            outcome.faults = tuple(fault.kind.value for fault in faults)
            outcome.answer, cost = self._answer(request, caller, token, faults, outcome)
            for fault in faults:
                if fault.kind in ON_THE_WIRE:
                    apply_delivery(fault, outcome.answer)
        except GraphError as error:
            outcome.answer = failure(error, request)
        outcome.answer = with_headers(outcome.answer, request, cost=cost)
        return outcome

    def _caller(self, request: Request) -> tuple[Caller, str]:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise self.tokens.unauthorised("Access token is empty.")
        return self.tokens.caller(token), token

    def _answer(
        self, request: Request, caller: Caller, token: str, faults: list[Fault], outcome: Outcome
    ) -> tuple[Answer, int | None]:
        for fault in faults:
            if fault.kind in REPLACING:
                self.faults.failed.add((request.path, request.query))
                return answers.replacement(fault, request, caller, token, self.tokens), None
        if (request.parameter("$skiptoken") or "").endswith(".r"):
            raise answers.lost_token()
        route, key, second = graph.resolve(ROUTES, request)
        units = graph.cost(route, request)
        extra: dict[str, str] = {}
        if caller.tenant.throttled and units is not None:
            extra = self.throttle.spend(caller.tenant, caller.client_id, units)
        permissions.check(route.call, caller.roles)
        call = Call(
            request=request, tenant=caller.tenant, roles=caller.roles, client_id=caller.client_id, cache=self.cache,
            key=key, second=second, perform=lambda item: self._item(item, outcome), uploads=self.uploads,
        )  # fmt: skip
        caller.tenant.late.count_request()
        response = self._changed(route.handler(call), request, faults, caller.tenant)
        response.headers.update(extra)
        return response, units

    def _item(self, item: Request, outcome: Outcome) -> Answer:
        """Handle an item of a batch like a separate request."""
        item_outcome = self.handle(item)
        outcome.items.append((item, item_outcome))
        return item_outcome.answer

    def _changed(self, response: Answer, request: Request, faults: list[Fault], tenant: Tenant) -> Answer:
        """Return a copy of the answer, changed by faults; the original may be cached and is not modified."""
        changed = replace(response, headers=dict(response.headers))
        for fault in faults:
            if fault.kind in ON_REPORTS:
                changed = reports.alter_report(fault, changed, request, tenant)
            elif fault.kind not in REPLACING and fault.kind not in ON_THE_WIRE:
                changed = pages.alter_page(fault, changed, request)
                if fault.kind is Kind.RETRIED_TOKENS and self._retried(request):
                    changed = pages.mark_retried(changed)
        return changed

    def _retried(self, request: Request) -> bool:
        """Return whether this repeats a failed request, according to its Retry-Attempt header or the registry."""
        key = (request.path, request.query)
        failed_before = key in self.faults.failed
        self.faults.failed.discard(key)
        return failed_before or "retry-attempt" in request.headers
