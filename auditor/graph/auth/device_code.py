"""Signs a user in with a device code, which they enter on Microsoft's page on any device."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

from auditor.domain.message import Message

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.identity import DeviceCodeCredential


def open_device_code(
    tenant_id: str, client_id: str, ask: Callable[[Message], None], client_options: Mapping[str, Any], *, timeout: int
) -> "DeviceCodeSignIn":
    """Return a credential that shows the code with `ask` and waits `timeout` seconds for the user.

    azure-identity has this credential only without asyncio, so it waits in a thread. Source:
    https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-device-code
    """
    from azure.identity import DeviceCodeCredential  # noqa: PLC0415 - only collection needs it

    def prompt(address: str, code: str, expires: datetime) -> None:
        ask(
            Message(
                "open {address} and enter the code {code}; it is valid until {time} UTC",
                address=address,
                code=code,
                time=f"{expires:%H:%M}",
            )
        )

    return DeviceCodeSignIn(
        DeviceCodeCredential(
            client_id,
            tenant_id=tenant_id,
            timeout=timeout,
            prompt_callback=prompt,
            # Discovery would ask Microsoft's public cloud about every other authority; the tenants file specifies it.
            disable_instance_discovery=True,
            **client_options,
        )
    )


class DeviceCodeSignIn:
    """Runs azure-identity's credential in a thread; implements azure-core's AsyncTokenCredential."""

    def __init__(self, credential: "DeviceCodeCredential") -> None:
        self._credential = credential

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        """Return a token; the first call asks the user, later calls renew the token without asking."""
        outcome: Future[AccessToken] = Future()
        ask = partial(self._credential.get_token, *scopes, **options)
        # At an interruption, asyncio would wait for a thread of its own until the code has expired.
        Thread(target=_complete, args=(outcome, ask), name="device code", daemon=True).start()
        return await asyncio.wrap_future(outcome)

    async def close(self) -> None:
        """Close the connections to the sign-in service."""
        await asyncio.to_thread(self._credential.close)


def _complete(outcome: "Future[AccessToken]", ask: "Callable[[], AccessToken]") -> None:
    if not outcome.set_running_or_notify_cancel():  # from here on, a cancellation does not change the outcome
        return
    try:
        token = ask()
    except BaseException as error:  # noqa: BLE001  raised again where the outcome is awaited
        outcome.set_exception(error)
    else:
        outcome.set_result(token)
