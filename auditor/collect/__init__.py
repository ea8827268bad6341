"""What policies need into a snapshot on disk, each source with how far it was read and why not further."""
