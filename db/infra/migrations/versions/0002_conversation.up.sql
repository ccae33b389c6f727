-- stage: before
CREATE TABLE sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    platform text NOT NULL,
    place text NOT NULL,
    mode text NOT NULL DEFAULT 'auto',
    last_seq bigint NOT NULL DEFAULT 0,
    -- seq of the first turn of the current window; earlier turns stay, but are no longer put before the model.
    window_start bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, platform, place),
    UNIQUE (id, user_id)
);

CREATE TABLE turns (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id uuid NOT NULL,
    user_id uuid NOT NULL,
    seq bigint NOT NULL,
    state text NOT NULL DEFAULT 'accepted'
        CHECK (state IN ('accepted', 'thinking', 'answering', 'delivered', 'stopped', 'failed')),
    question text NOT NULL,
    answer text,
    mode text,
    adapter text,
    finish_reason text,
    prompt_tokens integer CHECK (prompt_tokens >= 0),
    completion_tokens integer CHECK (completion_tokens >= 0),
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (session_id, seq),
    UNIQUE (id, user_id),
    -- With the owner in the key, a turn cannot hang on another person's session.
    FOREIGN KEY (session_id, user_id) REFERENCES sessions (id, user_id) ON DELETE CASCADE
);
CREATE INDEX turns_unfinished ON turns (user_id) WHERE state IN ('accepted', 'thinking', 'answering');

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE turns ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON sessions USING (user_id = current_person()) WITH CHECK (user_id = current_person());
CREATE POLICY own ON turns USING (user_id = current_person()) WITH CHECK (user_id = current_person());

GRANT SELECT, INSERT, UPDATE, DELETE ON sessions, turns TO consilium_app;
