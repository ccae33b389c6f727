-- stage: before
-- What has been deleted at a person's wish, so that a restored backup does not bring it back: ids, and nothing of what
-- anybody said. Triggers write it, in the transaction that deletes, whichever release or statement it is: an entry and
-- what it tells of are always together in a backup, or both missing.
CREATE TABLE erasures (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- memory: deleted, or its text replaced. turn: kept out of prompts and memory. question, answer, quotations: deleted
    -- from a turn, wholly or in part. person: deleted. link: joined to the person `kept`.
    kind text NOT NULL CHECK (kind IN ('memory', 'turn', 'question', 'answer', 'quotations', 'person', 'link')),
    subject uuid NOT NULL,
    kept uuid
);
CREATE INDEX erasures_subject ON erasures (subject);
-- Written by the triggers alone.
GRANT SELECT ON erasures TO consilium_app;

CREATE FUNCTION list_deleted_memories() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO erasures (kind, subject) SELECT 'memory', gone.id FROM gone;
    RETURN NULL;
END
$$;
-- compatible: it only writes into a new table
CREATE TRIGGER list_deleted AFTER DELETE ON memories REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION list_deleted_memories();

CREATE FUNCTION list_replaced_memory() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO erasures (kind, subject) VALUES ('memory', OLD.id);
    RETURN NULL;
END
$$;
-- compatible: it only writes into a new table
CREATE TRIGGER list_replaced AFTER UPDATE OF content ON memories
FOR EACH ROW WHEN (OLD.content <> NEW.content) EXECUTE FUNCTION list_replaced_memory();

CREATE FUNCTION list_erased_turn() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF OLD.question <> NEW.question THEN
        INSERT INTO erasures (kind, subject) VALUES ('question', OLD.id);
        IF NEW.question = '' THEN
            RETURN NULL;  -- the rest of the turn goes with it
        END IF;
    END IF;
    IF (OLD.answer IS NOT NULL AND NEW.answer IS NULL) OR (OLD.said IS NOT NULL AND NEW.said IS NULL) THEN
        INSERT INTO erasures (kind, subject) VALUES ('answer', OLD.id);
    END IF;
    IF OLD.quotations IS NOT NULL AND NEW.quotations IS NULL THEN
        INSERT INTO erasures (kind, subject) VALUES ('quotations', OLD.id);
    END IF;
    IF NOT OLD.forgotten OR (NEW.remembered AND NOT OLD.remembered) THEN
        INSERT INTO erasures (kind, subject) VALUES ('turn', OLD.id);
    END IF;
    RETURN NULL;
END
$$;
-- Nothing but forgetting takes text from a turn, and it marks the turn.
-- compatible: it only writes into a new table
CREATE TRIGGER list_erased AFTER UPDATE ON turns FOR EACH ROW
WHEN (
    NEW.forgotten AND (
        NOT OLD.forgotten
        OR OLD.question <> NEW.question
        OR (OLD.answer IS NOT NULL AND NEW.answer IS NULL)
        OR (OLD.said IS NOT NULL AND NEW.said IS NULL)
        OR (OLD.quotations IS NOT NULL AND NEW.quotations IS NULL)
    )
)
EXECUTE FUNCTION list_erased_turn();

-- Whoever has no account left is deleted; whoever is linked to another is not, but becomes a part of them.
CREATE FUNCTION list_deleted_person() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    joining text[] := string_to_array(nullif(current_setting('app.joining', true), ''), ' ');
    person uuid;
BEGIN
    IF TG_TABLE_NAME = 'users' THEN
        person := OLD.id;
    ELSE
        person := OLD.user_id;
        IF EXISTS (SELECT FROM identities WHERE user_id = person) THEN
            RETURN NULL;
        END IF;
    END IF;
    IF joining[1] = person::text AND joining[2] IS NOT NULL THEN
        INSERT INTO erasures (kind, subject, kept) VALUES ('link', person, joining[2]::uuid);
    ELSIF NOT EXISTS (SELECT FROM erasures WHERE subject = person AND kind = 'person') THEN
        INSERT INTO erasures (kind, subject) VALUES ('person', person);
    END IF;
    RETURN NULL;
END
$$;
-- compatible: it only writes into a new table
CREATE TRIGGER list_deleted AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION list_deleted_person();
-- compatible: it only writes into a new table
CREATE TRIGGER list_deleted AFTER DELETE ON identities FOR EACH ROW EXECUTE FUNCTION list_deleted_person();

DO $$
DECLARE
    made text;
BEGIN
    FOREACH made IN ARRAY ARRAY[
        'list_deleted_memories()', 'list_replaced_memory()', 'list_erased_turn()', 'list_deleted_person()'
    ] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
    END LOOP;
END
$$;
