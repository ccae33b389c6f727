"""The Model Context Protocol: a mind as tools for programs that have a model of their own."""
