"""Writes messages to channels: Adaptive Cards, Slack blocks, JSON events."""
