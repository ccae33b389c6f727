"""What every house of Consilium stands on: the root of its error tree. Knows nothing of the houses."""
