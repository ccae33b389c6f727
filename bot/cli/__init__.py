"""The `consilium` command."""
