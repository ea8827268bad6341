"""Policy-as-code licence auditor for Microsoft 365: policies × snapshot → findings → report."""

__version__ = "0.2.0"
__home__ = "OWNER_PLACEHOLDER_THAT_NOBODY_CAN_REGISTER/auditor"
"""The repository on GitHub. The project has none yet; this is a placeholder that nobody can register to publish an
action there, because GitHub allows neither underscores nor more than 39 characters in the name of an owner."""
__commit__ = ""
"""The commit that this release was built from, set by the release build; empty in a working copy."""
