"""Documents that people send: a worker adds them to the library or to a person's memory, as a part of their turn."""
