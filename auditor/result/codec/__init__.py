"""Reads and writes JSON documents as the structs that stand for them say."""
