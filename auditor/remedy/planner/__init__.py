"""Chooses the requests that mend findings and proves them on a copy of the snapshot."""
