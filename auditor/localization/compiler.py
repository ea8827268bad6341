"""Compiles message catalogues: .po files, which translators edit, to the .mo files that gettext reads."""

from datetime import UTC, datetime
from io import BytesIO


def compile_catalogue(source: bytes) -> bytes | None:
    """Return the content of the .mo file for a .po file; None if a message is fuzzy or has no translation."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415  an installed package has compiled catalogues
    from babel.messages.pofile import read_po  # noqa: PLC0415

    catalog = read_po(BytesIO(source), abort_invalid=True)
    catalog.creation_date = datetime.fromtimestamp(0, UTC)  # the default is the current time, which is not reproducible
    for message in catalog:
        forms = (message.string,) if isinstance(message.string, str) else message.string
        if message.id and (message.fuzzy or not forms or not all(forms)):
            return None
    target = BytesIO()
    write_mo(target, catalog)
    return target.getvalue()
