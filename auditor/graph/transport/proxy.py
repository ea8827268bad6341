"""Finds the proxy for a service in the machine's settings."""

import urllib.parse
import urllib.request

from auditor.domain.errors import SettingsError, printable
from auditor.domain.message import Message
from auditor.graph.request_guard import Root


def proxy_of(root: Root) -> str | None:
    """Return the address of the proxy for a service from the machine's settings.

    None if the settings exclude its host, and for a service on this machine. The connection to the proxy may use TLS
    (https://). Raises SettingsError for an address that is not an HTTP proxy.
    """
    if root.loopback:
        return None
    return proxy_address(root.netloc, "https" if root.origin.startswith("https:") else "http")


def proxy_address(netloc: str, scheme: str = "https", *, tls: bool = True) -> str | None:
    """Return the proxy for requests with a scheme to a host; None without one, or if the settings exclude the host.

    `tls` allows proxies that are connected to over TLS. Raises SettingsError for an address that cannot be used.
    """
    if urllib.request.proxy_bypass(netloc):
        return None
    proxies = urllib.request.getproxies()
    setting = proxies.get(scheme) or proxies.get("all")
    if not setting:
        return None
    address = setting if "://" in setting else f"http://{setting}"
    try:
        parts = urllib.parse.urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urllib.parse.SplitResult("", "", "", "", ""), None
    if parts.scheme == "http" or (parts.scheme == "https" and tls):
        if host:
            return address
        raise _unusable(scheme, Message("it names no host"), Message("write http://HOST:PORT"))
    if parts.scheme == "https":
        raise _unusable(
            scheme,
            Message("it uses TLS, which is supported only for Microsoft Graph and the sign-in"),
            Message("specify its address with http://, if it has one, or exclude the host with NO_PROXY"),
        )
    reason = Message("{scheme}:// is not a scheme for an HTTP proxy", scheme=printable(parts.scheme or "?"))
    raise _unusable(scheme, reason, Message("write http://HOST:PORT or https://HOST:PORT"))


def _unusable(scheme: str, reason: Message, hint: Message) -> SettingsError:
    """Return the error of a proxy address, without the address, which may contain a password."""
    name = f"{scheme.upper()}_PROXY"
    message = Message(
        "the proxy of {name} or of the system's settings cannot be used: {reason}", name=name, reason=reason
    )
    return SettingsError("proxy-address", message, hint=hint)
