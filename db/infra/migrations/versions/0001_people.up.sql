-- stage: before
-- The role the service runs as. It belongs to the whole server, so another database may have made it already.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'consilium_app') THEN
        BEGIN
            CREATE ROLE consilium_app NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- made by another database's migration at this very moment
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'consilium_app', 'SET') THEN
        EXECUTE format('GRANT consilium_app TO %I WITH INHERIT FALSE, SET TRUE', current_user);
    END IF;
END
$$;

GRANT USAGE ON SCHEMA public TO consilium_app;

-- Whose transaction this is; NULL, which equals nobody, outside one.
CREATE FUNCTION current_person() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('app.user', true), '')::uuid;

CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    locale text,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE identities (
    platform text NOT NULL,
    external_id text NOT NULL,
    -- Deferred: identify() claims the name first and makes the person only if it has won it.
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (platform, external_id)
);
CREATE INDEX identities_user ON identities (user_id);

ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE identities ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON users USING (id = current_person()) WITH CHECK (id = current_person());
CREATE POLICY own ON identities USING (user_id = current_person()) WITH CHECK (user_id = current_person());

GRANT SELECT, UPDATE (locale) ON users TO consilium_app;
GRANT SELECT ON identities TO consilium_app;

-- identify() runs as the tables' owner, on whom row-level security is forced too: it may look up and add, no more.
CREATE POLICY identify_looks ON users FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY identify_adds ON users FOR INSERT TO CURRENT_USER WITH CHECK (true);
CREATE POLICY identify_looks ON identities FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY identify_adds ON identities FOR INSERT TO CURRENT_USER WITH CHECK (true);

CREATE FUNCTION identify(asked_platform text, asked_external_id text, first_locale text) RETURNS users
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

REVOKE ALL ON FUNCTION identify(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identify(text, text, text) TO consilium_app;
