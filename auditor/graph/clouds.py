"""The addresses of Microsoft's clouds: Graph, sign-in service and token audience."""

from msgspec import Struct

from auditor.domain.enums import Cloud
from auditor.domain.errors import GraphError
from auditor.domain.message import Message


class CloudAddresses(Struct, frozen=True, kw_only=True):
    """The addresses of one cloud; a token of one cloud is not valid in another."""

    graph: str
    authority: str
    federation_audience: str
    """The audience of a federated assertion (Microsoft's page on workload identity federation)."""

    @property
    def scope(self) -> str:
        """The scope of a token request: every permission granted to the application."""
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


HOSTS = frozenset(address.split("/")[2] for cloud in _ADDRESSES.values() for address in (cloud.graph, cloud.authority))
"""Hosts of Microsoft's clouds that receive tokens and secrets."""


def addresses(cloud: Cloud) -> CloudAddresses:
    """Return the addresses of a cloud. Raises GraphError for the cloud that Microsoft closed."""
    cloud_addresses = _ADDRESSES.get(cloud)
    if cloud_addresses is None:
        raise GraphError(
            "cloud-closed",
            Message("Microsoft Cloud Deutschland closed on 2021-10-29: nothing can be collected from it"),
            hint=Message("audit a saved snapshot with --snapshot, or specify the cloud the tenant was moved to"),
        )
    return cloud_addresses
