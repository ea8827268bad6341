"""Compiles the message catalogues when the package is built; everything else stands in pyproject.toml."""

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).parent))

from auditor.localization.compiler import compiled


class BuildCatalogues(build_py):
    """Puts .mo files into the package in place of .po files and templates."""

    def run(self) -> None:
        """Build the package; an editable install reads the .po files of the checkout."""
        super().run()
        if self.editable_mode:
            return
        locales = Path(self.build_lib, "auditor", "reports", "locales")
        for source in sorted(locales.glob("*/LC_MESSAGES/*.po")):
            content = compiled(source.read_bytes())
            if content is None:
                raise ValueError(f"{source}: a message has no translation, or a fuzzy one")
            source.with_suffix(".mo").write_bytes(content)
            source.unlink()
        for template in locales.glob("*.pot"):
            template.unlink()


setup(cmdclass={"build_py": BuildCatalogues})
