"""What a GitHub Actions job reads and runs."""
