-- stage: before
-- The set of adapters that a session is answered with while others come into use: a digest, or none before its first
-- answer. Old programs neither read nor write it, and answer with what is in use.
ALTER TABLE sessions ADD COLUMN adapters text;
