-- The role stays: it belongs to the server, and its other databases may use it.
DROP FUNCTION identify(text, text, text);
DROP TABLE identities, users;
DROP FUNCTION current_person();
REVOKE USAGE ON SCHEMA public FROM consilium_app;
