"""The library: the author's documents, parsed, chunked, searched and cited."""
