-- stage: before
-- Whether the session's questions are answered by two voices, and whether this one is.
ALTER TABLE sessions ADD COLUMN consilium boolean NOT NULL DEFAULT false;
ALTER TABLE turns
    ADD COLUMN consilium boolean NOT NULL DEFAULT false,
    -- What was said, by who said it, before marks were set into it or two voices were joined.
    ADD COLUMN voices jsonb;
