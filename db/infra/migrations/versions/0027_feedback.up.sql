-- stage: before
-- What a person thinks of an answer, where their client asks them: 1 or -1, and in their own words. It is a part of the
-- turn, so it is exported, handed over and deleted with it. Old programs neither read nor write it.
ALTER TABLE turns ADD COLUMN rating smallint;
ALTER TABLE turns ADD COLUMN rating_comment text;
ALTER TABLE turns ADD COLUMN rated_at timestamptz;

-- The comment may repeat what was said: it goes with the first thing that is forgotten of its turn, whichever release
-- forgets it. The rating itself says nothing of the person.
CREATE FUNCTION forget_rating_comment() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    NEW.rating_comment := NULL;
    RETURN NEW;
END
$$;
-- compatible: it only empties a new column
CREATE TRIGGER forget_rating_comment BEFORE UPDATE ON turns FOR EACH ROW
WHEN (NEW.forgotten AND NEW.rating_comment IS NOT NULL)
EXECUTE FUNCTION forget_rating_comment();
REVOKE ALL ON FUNCTION forget_rating_comment() FROM PUBLIC;

-- A process of the service reads at its start whether it runs on the schema. With this it needs no address but its own.
GRANT SELECT ON schema_version, alembic_version TO consilium_app;
