"""The ground under all three houses: the root of the error tree, retry with backoff, single flight."""
