"""Checks every outgoing request: only reads (and mail, if enabled), and only to the configured Graph root."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct

from auditor.domain.message import Message
from auditor.graph.errors import FaultKind, fault_error

if TYPE_CHECKING:
    import httpx

ADDRESS_CHARACTER = r"[!-\[\]-~]"
"""Printable ASCII without the backslash, which some parsers read as a slash."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine, without brackets."""
_READ_ONLY_POSTS = re.compile(r"/(\$batch|directoryObjects/(microsoft\.graph\.)?getByIds)")
_MAIL_POSTS = re.compile(r"/users/[^/]+/(sendMail|messages|messages/[^/]+/(attachments/createUploadSession|send))")


class Root(Struct, frozen=True, kw_only=True):
    """A Graph root: scheme, host and port (without the default port of the scheme), and the path of its version."""

    origin: str
    path: str

    @property
    def url(self) -> str:
        """The root's address without a trailing slash."""
        return self.origin + self.path

    @property
    def host(self) -> str:
        """The host without a port, as the SDK's list of allowed hosts expects it."""
        return urlsplit(self.origin).hostname or ""

    @property
    def netloc(self) -> str:
        """Host and port."""
        return urlsplit(self.origin).netloc

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Address prefixes of the root: with and without the default port, and all names of the loopback host."""
        parts = urlsplit(self.origin)
        names = ("127.0.0.1", "localhost", "[::1]") if self.loopback else (parts.netloc.removesuffix(f":{parts.port}"),)
        suffixes = (f":{parts.port}",) if parts.port else ("", f":{_default_port(parts.scheme)}")
        return tuple(f"{parts.scheme}://{name}{suffix}/" for name in names for suffix in suffixes)

    @property
    def loopback(self) -> bool:
        """Whether the root is on this machine; its traffic never goes through a proxy."""
        return self.host in LOOPBACK


def root_of(url: str) -> Root:
    """Return the Root of an address such as `https://graph.microsoft.com/v1.0`."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}".lower().removesuffix(f":{_default_port(parts.scheme)}")
    return Root(origin=origin, path=parts.path.rstrip("/"))


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def check_link(link: str, root: Root) -> str:
    """Return a link from an answer if it leads to the Graph root it was requested from.

    The comparison covers everything up to the slash after the host, in printable ASCII and ignoring case, so that user
    information, look-alike characters and other ports are rejected. The result begins with the root's own origin,
    whichever of the root's names the link uses. Raises FaultError for any other link.
    """
    if re.fullmatch(f"{ADDRESS_CHARACTER}+", link):
        for prefix in root.prefixes:
            if link[: len(prefix)].lower() == prefix:
                return f"{root.origin}/{link[len(prefix) :]}"
    raise fault_error(
        FaultKind.FOREIGN,
        Message(
            "Graph returned a link that does not point to {origin}: {link}", origin=root.origin, link=_excerpt(link)
        ),
        remedy=Message(
            "no token was sent there; check which server responds at Graph's address (a proxy, the endpoint setting)"
        ),
    )


def check_request(request: "httpx.Request", root: Root, *, mail: bool = False) -> None:
    """Raise FaultError unless the request goes to the root and only reads, or sends mail and `mail` is true."""
    url = request.url
    origin = f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
    if url.userinfo or origin != root.origin:
        raise fault_error(
            FaultKind.FOREIGN,
            Message(
                "a request to {origin} was blocked: the token is only for {origin2}",
                origin=_excerpt(origin),
                origin2=root.origin,
            ),
            remedy=Message("check the endpoint setting, and which server responds at Graph's address"),
        )
    path = url.path.removeprefix(root.path)
    posts = (_READ_ONLY_POSTS, _MAIL_POSTS) if mail else (_READ_ONLY_POSTS,)
    if request.method != "GET" and not (request.method == "POST" and any(post.fullmatch(path) for post in posts)):
        raise fault_error(
            FaultKind.FORBIDDEN,
            Message("a write request was blocked: {method} {path}", method=request.method, path=_excerpt(path)),
        )


def _excerpt(text: str) -> str:
    """Return the start of an untrusted text for a message, without its query, which may contain a token."""
    return text.split("?", maxsplit=1)[0][:120]
