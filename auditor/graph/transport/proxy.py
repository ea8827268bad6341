"""Finds the proxy for a service in the settings of the machine."""

import urllib.request

from auditor.graph.request_guard import Root


def proxy_of(root: Root) -> str | None:
    """Return the proxy that the machine's settings name for a service.

    None if they exclude its host, and for a service on this machine.
    """
    if root.loopback or urllib.request.proxy_bypass(root.netloc):
        return None
    proxies = urllib.request.getproxies()
    address = proxies.get("https" if root.origin.startswith("https:") else "http") or proxies.get("all")
    return address if address is None or "://" in address else f"http://{address}"
