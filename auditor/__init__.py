"""Policy-as-code licence auditor for Microsoft 365: policies × snapshot → findings → report."""

__version__ = "0.2.0"
__home__ = "OWNER_PLACEHOLDER_THAT_NOBODY_CAN_REGISTER/auditor"
"""The repository on GitHub. The project has none yet, and this name stands for it everywhere: GitHub allows neither
underscores nor more than 39 characters in the name of an owner, so that nobody can put an action of their own there."""
__commit__ = ""
"""The commit that this release was built from, written by the release; empty in a working copy."""
