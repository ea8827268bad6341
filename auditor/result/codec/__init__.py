"""Reads and writes JSON documents as the dataclasses that stand for them say."""
