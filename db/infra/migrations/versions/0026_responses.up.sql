-- stage: before
-- What a client of the API gives and gets beside a question and its answer: the turn that a response goes on from, the
-- calls of the client's tools and their results, and the client's own marks. Old programs neither read nor write it.
ALTER TABLE turns ADD COLUMN previous_id uuid;
ALTER TABLE turns ADD COLUMN tool_steps jsonb;
ALTER TABLE turns ADD COLUMN metadata jsonb;

-- Calls and their results may repeat what was said: they go with the first thing that is forgotten of their turn,
-- whichever release forgets it.
CREATE FUNCTION forget_tool_steps() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    NEW.tool_steps := NULL;
    NEW.metadata := NULL;
    RETURN NEW;
END
$$;
-- compatible: it only empties new columns
CREATE TRIGGER forget_tool_steps BEFORE UPDATE ON turns FOR EACH ROW
WHEN (NEW.forgotten AND (NEW.tool_steps IS NOT NULL OR NEW.metadata IS NOT NULL))
EXECUTE FUNCTION forget_tool_steps();
REVOKE ALL ON FUNCTION forget_tool_steps() FROM PUBLIC;
