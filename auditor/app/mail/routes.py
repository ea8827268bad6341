"""Opens the routes for sending messages: Microsoft Graph, an SMTP relay, and webhooks."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import assert_never

from auditor.app.mail.job import MailJob
from auditor.app.mail.recipients import check_mail
from auditor.deliver.mail import smtp_mail
from auditor.deliver.mail.mail_message import MailMessage
from auditor.deliver.send_attempt import SendAttempt
from auditor.deliver.webhooks.webhook import WebhookMessage, post
from auditor.deliver.webhooks.webhook_address import webhook_target
from auditor.domain.errors import GraphError, SettingsError
from auditor.domain.settings import GraphMail, SmtpMail

_MAX_SECONDS = 300.0
"""Seconds for one request to Graph that sends a mail, including all waits."""


class Routes:
    """The routes of one job; the mail route is opened once, for the first mail."""

    def __init__(self, job: MailJob, stack: AsyncExitStack) -> None:
        self._job = job
        self._stack = stack
        self._mail: Callable[[MailMessage], Awaitable[SendAttempt]] | GraphError | SettingsError | None = None

    async def sender(self, message: MailMessage | WebhookMessage) -> Callable[[], Awaitable[SendAttempt]]:
        """Return a function that sends a message. Raises GraphError or SettingsError if its route cannot be opened."""
        match message:
            case WebhookMessage():
                settings, environ = self._job.settings, self._job.environ
                target = webhook_target(message.recipient, environ, settings.webhooks.hosts)
                return lambda: asyncio.to_thread(post, target, message, environ=environ)
            case MailMessage():
                if self._mail is None:
                    try:
                        self._mail = await self._mail_route()
                    except (GraphError, SettingsError) as error:
                        self._mail = error
                send = self._mail
                if isinstance(send, Exception):
                    raise send
                return lambda: send(message)
            case _:
                assert_never(message)

    async def _mail_route(self) -> Callable[[MailMessage], Awaitable[SendAttempt]]:
        job = self._job
        match check_mail(job.settings, job.environ).route:
            case SmtpMail() as relay:
                smtp_relay = smtp_mail.open_relay(relay, job.environ)
                return lambda message: asyncio.to_thread(smtp_mail.send, smtp_relay, message)
            case GraphMail(tenant=name):
                from auditor.deliver.mail import graph_mail  # noqa: PLC0415 - only mail by Graph needs the SDK
                from auditor.graph.auth.credentials import SignIn  # noqa: PLC0415
                from auditor.graph.client import RetryPolicy, open_graph  # noqa: PLC0415
                from auditor.graph.transport.aiohttp_transport import Connections  # noqa: PLC0415

                tenant = next(tenant for tenant in job.settings.tenants if tenant.name == name)
                connections = await self._stack.enter_async_context(Connections())
                sign_in = await self._stack.enter_async_context(
                    SignIn(tenant, environ=job.environ, connections=connections)
                )
                graph = await self._stack.enter_async_context(
                    open_graph(
                        tenant,
                        sign_in,
                        retry_policy=RetryPolicy(budget=_MAX_SECONDS),
                        mail=True,
                        connections=connections,
                    )
                )
                return lambda message: graph_mail.send(graph, message)
