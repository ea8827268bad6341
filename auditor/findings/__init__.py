"""Tables of findings: columns, counts and sums, and temporary storage on disk."""
