"""Documents that people send: taken into the library or into a memory, as a part of their turn."""
