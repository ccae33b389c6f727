"""The library: what the author wrote, in chunks that can be found and cited."""
