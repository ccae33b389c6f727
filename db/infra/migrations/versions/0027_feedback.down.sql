REVOKE SELECT ON schema_version, alembic_version FROM consilium_app;
DROP TRIGGER forget_rating_comment ON turns;
DROP FUNCTION forget_rating_comment();
ALTER TABLE turns DROP COLUMN rated_at;
ALTER TABLE turns DROP COLUMN rating_comment;
ALTER TABLE turns DROP COLUMN rating;
