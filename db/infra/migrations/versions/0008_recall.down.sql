DROP FUNCTION unembedded(text, integer);
DROP POLICY unembedded_looks ON memories;
DROP POLICY company ON memories;
DROP INDEX memories_embedder, memories_speaker, memories_summary, memories_episode;
ALTER TABLE memories DROP COLUMN chat, DROP COLUMN scope, DROP COLUMN speaker, DROP COLUMN voice;
