"""Decides which requests may leave: only reading ones, and only to the one Graph root that was configured."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from auditor.domain.message import Message
from auditor.graph.errors import FaultError, GraphErrorKind, fault

if TYPE_CHECKING:
    import httpx

_SAFE = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII without the backslash, which some parsers read as a slash."""

_READING_POSTS = re.compile(r"/(\$batch|directoryObjects/(microsoft\.graph\.)?getByIds)")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A Graph root: scheme, host and port, and the path of its version."""

    origin: str
    path: str

    @property
    def url(self) -> str:
        """The whole root, without a slash at the end."""
        return self.origin + self.path

    @property
    def host(self) -> str:
        """The bare host, as the SDK's list of allowed hosts wants it."""
        return urlsplit(self.origin).hostname or ""

    @property
    def netloc(self) -> str:
        """Host and port, as they stand in an address."""
        return urlsplit(self.origin).netloc

    @property
    def beginnings(self) -> tuple[str, ...]:
        """What an address there can begin with: the usual port may be named, and this machine has three names."""
        parts = urlsplit(self.origin)
        usual = 443 if parts.scheme == "https" else 80
        names = ("127.0.0.1", "localhost", "[::1]") if self.loopback else (parts.netloc.removesuffix(f":{parts.port}"),)
        ends = ("", f":{usual}") if parts.port in {None, usual} else (f":{parts.port}",)
        return tuple(f"{parts.scheme}://{name}{end}/" for name in names for end in ends)

    @property
    def loopback(self) -> bool:
        """Whether the root is on this machine: no proxy may see its traffic then."""
        return self.host in _LOOPBACK


def root_of(url: str) -> Root:
    """Split a checked Graph root such as `https://graph.microsoft.com/v1.0`."""
    parts = urlsplit(url)
    return Root(origin=f"{parts.scheme}://{parts.netloc}".lower(), path=parts.path.rstrip("/"))


def check_link(link: str, root: Root) -> str:
    """Return a link that Graph gave, when it leads to the root it was asked of; else raise FaultError.

    The comparison covers everything up to the slash after the host, in printable ASCII and letter case aside, so that
    no user information, look-alike character or other port can stand there. What is returned begins with the root's
    own origin, whichever of its names the link uses.
    """
    if _SAFE.fullmatch(link):
        for beginning in root.beginnings:
            if link[: len(beginning)].lower() == beginning:
                return f"{root.origin}/{link[len(beginning) :]}"
    raise FaultError(
        fault(
            GraphErrorKind.FOREIGN,
            Message(
                "Graph answered with a link that leads away from {origin}: {link}",
                origin=root.origin,
                link=_shown(link),
            ),
            remedy=Message(
                "no token was sent there; check what answers in Graph's place (a proxy, the endpoint setting)"
            ),
        )
    )


def check_request(request: "httpx.Request", root: Root, *, mail: bool = False) -> None:
    """Raise FaultError unless the request only reads (or sends mail, where that is asked for) and goes to the root."""
    url = request.url
    origin = f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
    if url.userinfo or origin != root.origin:
        raise FaultError(
            fault(
                GraphErrorKind.FOREIGN,
                Message(
                    "a request to {origin} was stopped: the token is for {origin2} alone",
                    origin=_shown(origin),
                    origin2=root.origin,
                ),
                remedy=Message("check the endpoint setting, and what answers in Graph's place"),
            )
        )
    path = url.path.removeprefix(root.path)
    reads = request.method == "GET" or (request.method == "POST" and _READING_POSTS.fullmatch(path))
    if not reads and not (mail and _is_mail(request.method, path)):
        raise FaultError(
            fault(
                GraphErrorKind.FORBIDDEN,
                Message("a request that writes was stopped: {method} {path}", method=request.method, path=_shown(path)),
                remedy=None,
            )
        )


def _is_mail(method: str, path: str) -> bool:
    found = re.fullmatch(
        r"/users/[^/]+/(sendMail|messages|messages/[^/]+/(attachments/createUploadSession|send))", path
    )
    return method == "POST" and found is not None


def _shown(text: str) -> str:
    """Return the beginning of a hostile text; what could be a token in it is cut off with the query."""
    return text.split("?", maxsplit=1)[0][:120]
