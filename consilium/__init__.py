"""The ground under all three packages: the root of the error tree, retry with backoff, single flight."""
