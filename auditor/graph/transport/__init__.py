"""Carries HTTP requests: connections, certificate authorities and proxies."""
