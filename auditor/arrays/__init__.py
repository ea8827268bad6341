"""Operations on NumPy arrays, Arrow columns and record batches."""
