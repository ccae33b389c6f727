"""The database itself: connections, roles, the embedded server, migrations."""
