"""Declares options that commands share, and reads their values from flags and the environment."""
