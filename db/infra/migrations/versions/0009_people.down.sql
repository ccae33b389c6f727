DROP FUNCTION move_chat(text, text, text);
DROP FUNCTION moved_address(jsonb, text, text);
DROP FUNCTION join_person(bytea);
DROP FUNCTION merge_session(uuid, uuid);
DROP FUNCTION names_of(text, text);
DROP POLICY moving ON sessions;
DROP POLICY moving ON turns;
DROP POLICY moving ON memories;
DROP POLICY joining ON identities;
DROP POLICY joining ON users;
DROP POLICY joining ON sessions;
DROP POLICY joining ON turns;
DROP POLICY joining ON parts;
DROP POLICY joining ON memories;
DROP TABLE link_codes, access_rules, said_files;
DROP FUNCTION is_joining(uuid);
DROP POLICY identify_locks ON users;

CREATE OR REPLACE FUNCTION identify(asked_platform text, asked_external_id text, first_locale text) RETURNS users
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    found_id uuid;
    person users;
BEGIN
    SELECT user_id INTO found_id FROM identities
    WHERE platform = asked_platform AND external_id = asked_external_id;

    IF found_id IS NULL THEN
        -- Of several that come at once one wins; the others wait for its commit, then read what it wrote.
        INSERT INTO identities (platform, external_id, user_id)
        VALUES (asked_platform, asked_external_id, gen_random_uuid())
        ON CONFLICT (platform, external_id) DO NOTHING
        RETURNING user_id INTO found_id;

        IF found_id IS NOT NULL THEN
            INSERT INTO users (id, locale) VALUES (found_id, first_locale);
        ELSE
            SELECT user_id INTO STRICT found_id FROM identities
            WHERE platform = asked_platform AND external_id = asked_external_id;
        END IF;
    END IF;

    SELECT * INTO STRICT person FROM users WHERE id = found_id;
    RETURN person;
END
$$;

ALTER TABLE turns ALTER CONSTRAINT turns_session_id_user_id_fkey NOT DEFERRABLE;
ALTER TABLE parts ALTER CONSTRAINT parts_turn_id_user_id_fkey NOT DEFERRABLE;
ALTER TABLE memories ALTER CONSTRAINT memories_session_id_user_id_fkey NOT DEFERRABLE;
ALTER TABLE memories ALTER CONSTRAINT memories_source_turn_id_user_id_fkey NOT DEFERRABLE;

REVOKE DELETE ON users, identities FROM consilium_app;
DROP INDEX sessions_chat;
ALTER TABLE sessions DROP COLUMN chat;

ALTER TABLE turns NO FORCE ROW LEVEL SECURITY;
UPDATE turns SET said = said -> 'table' WHERE said IS NOT NULL;
ALTER TABLE turns FORCE ROW LEVEL SECURITY;
ALTER TABLE turns RENAME COLUMN said TO said_table;
