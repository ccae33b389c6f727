-- What a person was last shown of their memory in a session, in the order of the numbers: kinds and ids, and nothing of
-- what they say. It lives and changes hands with its session.
CREATE TABLE record_lists (
    session_id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    records text[] NOT NULL,
    -- Those that the person was asked about, and when.
    offered text[] NOT NULL DEFAULT '{}',
    offered_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (session_id, user_id) REFERENCES sessions (id, user_id) ON UPDATE CASCADE ON DELETE CASCADE
);
ALTER TABLE record_lists ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON record_lists USING (user_id = current_person()) WITH CHECK (user_id = current_person());
GRANT SELECT, INSERT, UPDATE, DELETE ON record_lists TO consilium_app;
