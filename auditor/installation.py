"""Detects how the program was installed, and builds the command that adds a library to this installation."""

import json
import os
import re
import shlex
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

DISTRIBUTION = "m365-license-auditor"
_REQUIREMENT = re.compile(r"\s*(?P<requirement>(?P<name>[A-Za-z0-9._-]+)[^;]*?)\s*(?:;\s*(?P<marker>.*))?")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")


class Installer(StrEnum):
    """The tool that manages the environment in which the program runs."""

    PIPX = "pipx"
    UV_TOOL = "uv tool"
    UV = "uv"
    CONTAINER = "container"
    CHECKOUT = "checkout"
    """An editable installation in a working copy, such as `make install` creates."""
    PIP = "pip"


def installer(prefix: Path | None = None) -> Installer:
    """Return the tool that manages the environment `prefix` (default: this one), detected by the files of the tool."""
    folder = Path(sys.prefix) if prefix is None else prefix
    if os.environ.get("AUDITOR_CONTAINER"):
        return Installer.CONTAINER
    if (folder / "pipx_metadata.json").is_file():
        return Installer.PIPX
    if (folder / "uv-receipt.toml").is_file():
        return Installer.UV_TOOL
    if _working_copy() is not None:
        return Installer.CHECKOUT
    return Installer.UV if (_metadata("INSTALLER") or "").strip() == "uv" else Installer.PIP


def missing_requirements(extra: str | None) -> tuple[str, ...]:
    """Return the requirements that are not installed, including those of `extra`, such as `pyspark>=4.0`."""
    from importlib.metadata import PackageNotFoundError, requires, version  # noqa: PLC0415  after an error only

    missing = []
    try:
        requirements = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        return ()
    for item in requirements:
        match = _REQUIREMENT.fullmatch(item)
        assert match is not None
        extra_of_item = _EXTRA.search(match["marker"] or "")
        if extra_of_item is not None and extra_of_item[1] != extra:
            continue
        try:
            version(match["name"])
        except PackageNotFoundError:
            missing.append(match["requirement"].replace(" ", ""))
    return tuple(missing)


def install_command(requirements: Sequence[str], kind: Installer | None = None) -> str:
    """Return the command line that adds requirements to this installation."""
    arguments = " ".join(f'"{item}"' for item in requirements)
    match kind or installer():
        case Installer.PIPX:
            return f"pipx inject {DISTRIBUTION} {arguments}"
        case Installer.UV_TOOL:
            options = " ".join(f'--with "{item}"' for item in requirements)
            return f"uv tool install --reinstall {options} {_quoted(_source())}"
        case Installer.UV:
            return f"uv pip install --python {_python()} {arguments}"
        case Installer.CONTAINER:
            return f"RUN python -m pip install {arguments}"
        case Installer.CHECKOUT | Installer.PIP:
            return f"{_python()} -m pip install {arguments}"


def _working_copy() -> Path | None:
    """Return the folder of an editable installation; None for others."""
    origin = _origin()
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(_source())


def _source() -> str:
    """Return the source of the installation: a folder, the address of a repository, or the name in a package index."""
    from urllib.parse import urlsplit  # noqa: PLC0415  after an error only
    from urllib.request import url2pathname  # noqa: PLC0415

    origin = _origin()
    address = str(origin.get("url", ""))
    if not address:
        return DISTRIBUTION
    if address.startswith("file:"):
        return url2pathname(urlsplit(address).path)
    vcs = origin.get("vcs_info", {}).get("vcs")
    return f"{vcs}+{address}" if vcs else address


def _origin() -> dict[str, dict[str, str]]:
    """Return the direct_url.json of the installation (PEP 610); empty for a package index."""
    text = _metadata("direct_url.json")
    origin: dict[str, dict[str, str]] = json.loads(text) if text else {}
    return origin


def _metadata(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415  after an error only

    try:
        return distribution(DISTRIBUTION).read_text(name)
    except PackageNotFoundError:
        return None


def _python() -> str:
    """Return the path of this interpreter, quoted for a shell, and relative if it is inside the working folder."""
    path = Path(sys.executable)
    working_folder = Path.cwd()
    text = str(path.relative_to(working_folder)) if path.is_relative_to(working_folder) else str(path)
    return f'& "{text}"' if os.name == "nt" and " " in text else _quoted(text)


def _quoted(text: str) -> str:
    return (f'"{text}"' if " " in text else text) if os.name == "nt" else shlex.quote(text)
