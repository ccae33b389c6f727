"""What all three houses stand on: the root of the error tree, retry with backoff, single flight. Knows none of them."""
