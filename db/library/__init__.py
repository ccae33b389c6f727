"""A mind's documents, their chunks and vectors, and searching them."""
