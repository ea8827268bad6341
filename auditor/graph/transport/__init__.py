"""HTTP transport: connections, certificate authorities and proxies."""
