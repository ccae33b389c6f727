"""Builds and runs the service: settings, bootstrap, processes, observability. The only room that builds things."""
