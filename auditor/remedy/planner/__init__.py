"""Chooses the requests that fix findings and proves them on a copy of the snapshot."""
