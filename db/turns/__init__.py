"""Turns, their states and deliveries, and the queue that carries them between processes."""
