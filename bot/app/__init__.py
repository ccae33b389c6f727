"""Builds and runs the service: settings, bootstrap, processes, observability. No other package builds things."""
