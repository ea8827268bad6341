"""Turns a cloud into the addresses of its Graph, its sign-in service and its token audience."""

from dataclasses import dataclass

from auditor.domain.enums import Cloud
from auditor.domain.errors import GraphError
from auditor.domain.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudAddresses:
    """Where a cloud answers; tokens of one cloud are worth nothing in another."""

    graph: str
    authority: str
    federation_audience: str
    """The audience that a federated assertion names (Microsoft's page on workload identity federation)."""

    @property
    def scope(self) -> str:
        """The scope to ask a token for: every permission that was granted to the application."""
        return f"{self.graph}/.default"


_ADDRESSES = {
    Cloud.WORLDWIDE: CloudAddresses(
        graph="https://graph.microsoft.com",
        authority="https://login.microsoftonline.com",
        federation_audience="api://AzureADTokenExchange",
    ),
    Cloud.USGOV: CloudAddresses(
        graph="https://graph.microsoft.us",
        authority="https://login.microsoftonline.us",
        federation_audience="api://AzureADTokenExchangeUSGov",
    ),
    Cloud.USGOV_DOD: CloudAddresses(
        graph="https://dod-graph.microsoft.us",
        authority="https://login.microsoftonline.us",
        federation_audience="api://AzureADTokenExchangeUSGov",
    ),
    Cloud.CHINA: CloudAddresses(
        graph="https://microsoftgraph.chinacloudapi.cn",
        authority="https://login.chinacloudapi.cn",
        federation_audience="api://AzureADTokenExchangeChina",
    ),
}


HOSTS = frozenset(address.split("/")[2] for each in _ADDRESSES.values() for address in (each.graph, each.authority))
"""The hosts of Microsoft's clouds that are given tokens and secrets."""


def addresses(cloud: Cloud) -> CloudAddresses:
    """Return where a cloud answers. Raises GraphError for the cloud that closed."""
    found = _ADDRESSES.get(cloud)
    if found is None:
        raise GraphError(
            "cloud-closed",
            Message("Microsoft Cloud Deutschland closed on 2021-10-29: nothing can be collected from it"),
            hint=Message("audit a saved snapshot with --snapshot, or give the cloud the tenant was moved to"),
        )
    return found
