"""Runs one measured job in a separate process, and prints its measurements as JSON."""

from auditor.__main__ import configure_process

# As in the command, before any other import: PyArrow imports pandas with the first array unless that is blocked.
configure_process()
