"""Turns in work: worker, lease, attempts, recovery, and what follows an answer. Knows channels only by their port."""
