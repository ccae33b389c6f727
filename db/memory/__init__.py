"""What is remembered of a person, and how it is recalled and forgotten."""
