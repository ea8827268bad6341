"""Compiles the message catalogues when the package is built, and makes the build reproducible.

Everything else is in pyproject.toml. Modes, owners and times of files depend on the build machine; in the wheel and the
sdist they are fixed: modes 0644 and 0755, no owner, the time of SOURCE_DATE_EPOCH.
"""

import gzip
import os
import sys
import tarfile
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

sys.path.insert(0, str(Path(__file__).parent))

from auditor.localization.compiler import compile_catalogue

os.umask(0o022)


class BuildCatalogues(build_py):
    """Replaces the .po files and templates in the package by .mo files."""

    def run(self) -> None:
        """Build the package; an editable install reads the .po files of the checkout."""
        super().run()
        if self.editable_mode:
            return
        locales = Path(self.build_lib, "auditor", "reports", "locales")
        for source in sorted(locales.glob("*/LC_MESSAGES/*.po")):
            content = compile_catalogue(source.read_bytes())
            if content is None:
                raise ValueError(f"{source}: a message has no translation, or a fuzzy one")
            source.with_suffix(".mo").write_bytes(content)
            source.unlink()
        for template in locales.glob("*.pot"):
            template.unlink()
        for path in Path(self.build_lib).rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)


class ReproducibleArchive(sdist):
    """Writes the sdist with sorted names, fixed modes, and the time of SOURCE_DATE_EPOCH."""

    def make_archive(self, base_name: str, *_: object, base_dir: str, **_more: object) -> str:
        """Write the archive of `base_dir`, a tar.gz as PEP 625 requires, and return its path."""
        epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
        folder = Path(base_dir)
        target = Path(f"{base_name}.tar.gz")
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            target.open("wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=epoch) as compressed,
            tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path in sorted([folder, *folder.rglob("*")]):
                member = archive.gettarinfo(path, path.as_posix())
                member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
                member.mode = 0o755 if path.is_dir() else 0o644
                if path.is_file():
                    with path.open("rb") as content:
                        archive.addfile(member, content)
                else:
                    archive.addfile(member)
        return str(target)


setup(cmdclass={"build_py": BuildCatalogues, "sdist": ReproducibleArchive})
