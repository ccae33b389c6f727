-- stage: after
-- What a command says beside its text was its table alone; now it is a document of all of it. The files among it are
-- rows of their own, so that a turn is read without them.
ALTER TABLE turns RENAME COLUMN said_table TO said;
ALTER TABLE turns NO FORCE ROW LEVEL SECURITY;
UPDATE turns SET said = jsonb_build_object('table', said) WHERE said IS NOT NULL;
ALTER TABLE turns FORCE ROW LEVEL SECURITY;

CREATE TABLE said_files (
    turn_id uuid NOT NULL,
    user_id uuid NOT NULL,
    n integer NOT NULL CHECK (n >= 0),
    name text NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (turn_id, n),
    CONSTRAINT said_files_turn FOREIGN KEY (turn_id, user_id) REFERENCES turns (id, user_id)
        ON DELETE CASCADE DEFERRABLE
);
ALTER TABLE said_files ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON said_files USING (user_id = current_person()) WITH CHECK (user_id = current_person());
GRANT SELECT, INSERT, DELETE ON said_files TO consilium_app;

-- The platform's id of the chat with others that the place is in; NULL when the person is alone with the mind.
ALTER TABLE sessions ADD COLUMN chat text;
CREATE INDEX sessions_chat ON sessions (platform, chat) WHERE chat IS NOT NULL;

-- A person may be forgotten altogether, by himself.
GRANT DELETE ON users, identities TO consilium_app;

-- A code that joins whoever enters it to the person who asked for it. Only its digest is kept.
CREATE TABLE link_codes (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    digest bytea NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL
);
ALTER TABLE link_codes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON link_codes USING (user_id = current_person()) WITH CHECK (user_id = current_person());
GRANT SELECT, INSERT, UPDATE, DELETE ON link_codes TO consilium_app;

-- Who is let in, kept out, or given a role. It says nothing of what anybody told, and belongs to the operator.
CREATE TABLE access_rules (
    mind text NOT NULL,
    effect text NOT NULL CHECK (effect IN ('allow', 'deny', 'role')),
    kind text NOT NULL CHECK (kind IN ('user', 'chat', 'guild', 'role')),
    platform text NOT NULL,
    subject text NOT NULL,
    -- The role that is given; empty for the others.
    role text NOT NULL DEFAULT '' CHECK ((effect = 'role') = (role <> '')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (mind, kind, platform, subject, effect, role)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON access_rules TO consilium_app;

-- A turn changes hands with all that hangs on it: the owner is in the keys, so they are checked at the end.
ALTER TABLE turns ALTER CONSTRAINT turns_session_id_user_id_fkey DEFERRABLE;
ALTER TABLE parts ALTER CONSTRAINT parts_turn_id_user_id_fkey DEFERRABLE;
ALTER TABLE memories ALTER CONSTRAINT memories_session_id_user_id_fkey DEFERRABLE;
ALTER TABLE memories ALTER CONSTRAINT memories_source_turn_id_user_id_fkey DEFERRABLE;

-- Locks the person, so that of two messages of his one is taken in after the other: who joins two people, or forgets
-- one, has him to himself. The owner of the table may lock so, and still change nothing.
CREATE POLICY identify_locks ON users FOR UPDATE TO CURRENT_USER USING (true) WITH CHECK (false);

CREATE OR REPLACE FUNCTION identify(asked_platform text, asked_external_id text, first_locale text) RETURNS users
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    found_id uuid;
    person users;
BEGIN
    LOOP
        SELECT user_id INTO found_id FROM identities
        WHERE platform = asked_platform AND external_id = asked_external_id;

        IF found_id IS NULL THEN
            -- Of several that come at once one wins; the others wait for its commit, then read what it wrote.
            INSERT INTO identities (platform, external_id, user_id)
            VALUES (asked_platform, asked_external_id, gen_random_uuid())
            ON CONFLICT (platform, external_id) DO NOTHING
            RETURNING user_id INTO found_id;

            IF found_id IS NOT NULL THEN
                INSERT INTO users (id, locale) VALUES (found_id, first_locale) RETURNING * INTO STRICT person;
                RETURN person;
            END IF;
        ELSE
            SELECT * INTO person FROM users WHERE id = found_id FOR NO KEY UPDATE;
            -- Whoever had to wait for the lock may find that the name is another person's by now, or nobody's.
            IF FOUND AND EXISTS (
                SELECT FROM identities
                WHERE platform = asked_platform AND external_id = asked_external_id AND user_id = found_id
            ) THEN
                RETURN person;
            END IF;
        END IF;
    END LOOP;
END
$$;

-- All the names of the person who is known by this one, which is among them even if nobody is.
CREATE FUNCTION names_of(asked_platform text, asked_external_id text) RETURNS TABLE (platform text, external_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT asked_platform, asked_external_id
    UNION
    SELECT other.platform, other.external_id FROM public.identities AS this
    JOIN public.identities AS other ON other.user_id = this.user_id
    WHERE this.platform = asked_platform AND this.external_id = asked_external_id
$$;

-- join_person() and move_chat() run as the tables' owner, on whom row-level security is forced too. The policies open
-- what they name to them, for their own statements: the rows of the two people who are joined, and those of a chat.
CREATE FUNCTION is_joining(asked uuid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN asked::text = ANY (string_to_array(current_setting('app.joining', true), ' '));

CREATE POLICY joining_looks ON link_codes FOR SELECT TO CURRENT_USER
USING (nullif(current_setting('app.joining', true), '') IS NOT NULL);
CREATE POLICY joining_spends ON link_codes FOR DELETE TO CURRENT_USER USING (is_joining(user_id));
CREATE POLICY joining ON identities FOR UPDATE TO CURRENT_USER
USING (is_joining(user_id)) WITH CHECK (is_joining(user_id));
CREATE POLICY joining ON users FOR DELETE TO CURRENT_USER USING (is_joining(id));
CREATE POLICY joining ON sessions TO CURRENT_USER USING (is_joining(user_id)) WITH CHECK (is_joining(user_id));
CREATE POLICY joining ON turns TO CURRENT_USER USING (is_joining(user_id)) WITH CHECK (is_joining(user_id));
CREATE POLICY joining ON parts TO CURRENT_USER USING (is_joining(user_id)) WITH CHECK (is_joining(user_id));
CREATE POLICY joining ON memories TO CURRENT_USER USING (is_joining(user_id)) WITH CHECK (is_joining(user_id));
CREATE POLICY joining ON said_files TO CURRENT_USER USING (is_joining(user_id)) WITH CHECK (is_joining(user_id));

CREATE POLICY moving ON sessions TO CURRENT_USER USING (current_setting('app.moving', true) = 'chat')
WITH CHECK (current_setting('app.moving', true) = 'chat');
CREATE POLICY moving ON turns TO CURRENT_USER USING (current_setting('app.moving', true) = 'chat')
WITH CHECK (current_setting('app.moving', true) = 'chat');
CREATE POLICY moving ON memories TO CURRENT_USER USING (current_setting('app.moving', true) = 'chat')
WITH CHECK (current_setting('app.moving', true) = 'chat');

-- Puts the turns of one session behind those of another, which goes on afresh. What is remembered of it stays, as of a
-- session that is gone. For the two functions below; both sessions are locked by them.
CREATE FUNCTION merge_session(gone uuid, kept uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
AS $$
DECLARE
    goes sessions;
    stays sessions;
BEGIN
    SELECT * INTO STRICT goes FROM sessions WHERE id = gone;
    SELECT * INTO STRICT stays FROM sessions WHERE id = kept;
    UPDATE turns AS t
    SET session_id = kept, user_id = stays.user_id, seq = t.seq + stays.last_seq,
        update_id = CASE WHEN EXISTS (
            SELECT FROM turns AS o WHERE o.session_id = kept AND o.update_id = t.update_id
        ) THEN NULL ELSE t.update_id END
    WHERE t.session_id = gone;
    UPDATE memories SET session_id = NULL WHERE session_id = gone;
    UPDATE sessions
    SET last_seq = stays.last_seq + goes.last_seq, window_start = stays.last_seq + goes.last_seq + 1,
        chat = coalesce(stays.chat, goes.chat), updated_at = now()
    WHERE id = kept;
    DELETE FROM sessions WHERE id = gone;
END
$$;

-- Makes the person of this transaction one with who asked for the code, and ends the code. Gives the person who is left,
-- who may be the same if the code was his own; NULL when there is no such code any more.
CREATE FUNCTION join_person(asked bytea) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    gone uuid := current_person();
    kept uuid;
    pair record;
BEGIN
    PERFORM set_config('app.joining', gone::text, true);
    SELECT c.user_id INTO kept FROM link_codes AS c WHERE c.digest = asked AND c.expires_at > clock_timestamp();
    IF gone IS NULL OR kept IS NULL OR kept = gone THEN
        PERFORM set_config('app.joining', '', true);
        RETURN CASE WHEN gone IS NOT NULL THEN kept END;
    END IF;

    PERFORM set_config('app.joining', gone || ' ' || kept, true);
    PERFORM FROM users WHERE id IN (gone, kept) ORDER BY id FOR NO KEY UPDATE;
    DELETE FROM link_codes AS c WHERE c.digest = asked AND c.user_id = kept AND c.expires_at > clock_timestamp();
    IF NOT FOUND THEN
        PERFORM set_config('app.joining', '', true);
        RETURN NULL;
    END IF;

    SET CONSTRAINTS turns_session_id_user_id_fkey, parts_turn_id_user_id_fkey, memories_session_id_user_id_fkey,
        memories_source_turn_id_user_id_fkey, said_files_turn DEFERRED;
    PERFORM FROM sessions WHERE user_id IN (gone, kept) ORDER BY id FOR UPDATE;
    FOR pair IN
        SELECT g.id AS gone, k.id AS kept FROM sessions AS g JOIN sessions AS k USING (platform, place)
        WHERE g.user_id = gone AND k.user_id = kept
    LOOP
        PERFORM merge_session(pair.gone, pair.kept);
    END LOOP;
    UPDATE sessions SET user_id = kept WHERE user_id = gone;
    UPDATE turns SET user_id = kept WHERE user_id = gone;
    UPDATE parts SET user_id = kept WHERE user_id = gone;
    UPDATE memories SET user_id = kept WHERE user_id = gone;
    UPDATE said_files SET user_id = kept WHERE user_id = gone;
    UPDATE identities SET user_id = kept WHERE user_id = gone;
    -- Whoever is at work on one of the turns does not hold it any more, and it is taken up in the new name.
    UPDATE consilium_pgqueuer AS q
    SET payload = convert_to(json_build_object('turn', t.id, 'user', kept)::text, 'UTF8')
    FROM turns AS t
    WHERE t.user_id = kept AND t.state IN ('accepted', 'thinking', 'answering') AND q.dedupe_key = t.id::text;
    DELETE FROM users WHERE id = gone;
    SET CONSTRAINTS turns_session_id_user_id_fkey, parts_turn_id_user_id_fkey, memories_session_id_user_id_fkey,
        memories_source_turn_id_user_id_fkey, said_files_turn IMMEDIATE;
    PERFORM set_config('app.joining', '', true);
    RETURN kept;
END
$$;

-- An address with one chat's id in the place of another's, whether it is written as a number or as text.
CREATE FUNCTION moved_address(address jsonb, old_chat text, new_chat text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT coalesce(jsonb_object_agg(key, CASE
        WHEN value #>> '{}' IS DISTINCT FROM old_chat THEN value
        WHEN jsonb_typeof(value) = 'number' THEN to_jsonb(new_chat::numeric)
        ELSE to_jsonb(new_chat)
    END), '{}') FROM jsonb_each(address)
);

-- A chat has another id from now on: its sessions, and where their answers go. Gives how many sessions there were.
CREATE FUNCTION move_chat(of_platform text, old_chat text, new_chat text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    one sessions;
    inside text;
    new_place text;
    there uuid;
    moved integer := 0;
BEGIN
    PERFORM set_config('app.moving', 'chat', true);
    FOR one IN
        SELECT * FROM sessions WHERE platform = of_platform AND chat = old_chat ORDER BY id FOR UPDATE
    LOOP
        -- A place is "mind/place", and the place is the chat, or begins with it when it is a part of the chat.
        inside := substr(one.place, strpos(one.place, '/') + 1);
        new_place := one.place;
        IF inside = old_chat
            OR (starts_with(inside, old_chat) AND substr(inside, length(old_chat) + 1, 1) !~ '[[:alnum:]]') THEN
            new_place := left(one.place, strpos(one.place, '/')) || new_chat || substr(inside, length(old_chat) + 1);
        END IF;
        UPDATE turns SET address = moved_address(address, old_chat, new_chat)
        WHERE session_id = one.id AND address IS NOT NULL;
        SELECT id INTO there FROM sessions
        WHERE user_id = one.user_id AND platform = of_platform AND place = new_place AND id <> one.id
        FOR UPDATE;
        IF FOUND THEN
            PERFORM merge_session(one.id, there);
        ELSE
            UPDATE sessions SET place = new_place, chat = new_chat WHERE id = one.id;
        END IF;
        moved := moved + 1;
    END LOOP;
    UPDATE memories SET chat = of_platform || ':' || new_chat WHERE chat = of_platform || ':' || old_chat;
    PERFORM set_config('app.moving', '', true);
    RETURN moved;
END
$$;

DO $$
DECLARE
    made text;
BEGIN
    FOREACH made IN ARRAY ARRAY[
        'names_of(text, text)', 'join_person(bytea)', 'move_chat(text, text, text)'
    ] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO consilium_app', made);
    END LOOP;
    REVOKE ALL ON FUNCTION merge_session(uuid, uuid) FROM PUBLIC;
END
$$;
