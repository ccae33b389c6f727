-- stage: after
ALTER TABLE memories
    -- Who speaks in it: the person whose memory it is, the mind that answered him, or somebody else in the conversation.
    ADD COLUMN voice text NOT NULL DEFAULT 'person' CHECK (voice IN ('person', 'mind', 'other')),
    -- What the speaker is called, where that is known.
    ADD COLUMN speaker text,
    -- Where it may be recalled: with the person alone, also in the chat it was said in, or anywhere he speaks.
    ADD COLUMN scope text NOT NULL DEFAULT 'private' CHECK (scope IN ('private', 'chat', 'shared')),
    -- The chat it was said in; of no chat, when the two were alone.
    ADD COLUMN chat text,
    ADD CHECK (scope <> 'chat' OR chat IS NOT NULL);

-- A turn is remembered once, however often it is told that it has ended.
CREATE UNIQUE INDEX memories_episode ON memories (source_turn_id, voice) WHERE kind = 'episode';
-- One summary of a session holds at a time.
CREATE UNIQUE INDEX memories_summary ON memories (session_id) WHERE kind = 'summary' AND valid_until IS NULL;
-- The names that a person's memories are told under.
CREATE INDEX memories_speaker ON memories (user_id, speaker) WHERE speaker IS NOT NULL;
-- What has another model's vector, or none.
CREATE INDEX memories_embedder ON memories (embedder);

-- In a chat with others, what was said in private does not exist, whatever a statement asks for.
CREATE POLICY company ON memories AS RESTRICTIVE FOR SELECT TO consilium_app USING (
    nullif(current_setting('app.chat', true), '') IS NULL
    OR scope = 'shared'
    OR (scope = 'chat' AND chat = current_setting('app.chat', true))
);

-- unembedded() runs as the table's owner, on whom row-level security is forced too. As with hot_modes(), the table is
-- open to it for its own statement only.
CREATE POLICY unembedded_looks ON memories FOR SELECT TO CURRENT_USER
USING (current_setting('app.counting', true) = 'embedders');

-- Some memories of anybody without a vector of the model `wanted`. Of a memory nothing comes out but that it is there
-- and whose it is. In three ranges of an index: "is another" has none.
CREATE FUNCTION unembedded(wanted text, most integer) RETURNS TABLE (id uuid, user_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.counting', 'embedders', true);
    RETURN QUERY
        (SELECT m.id, m.user_id FROM public.memories AS m WHERE m.embedder IS NULL LIMIT greatest(most, 0))
        UNION ALL
        (SELECT m.id, m.user_id FROM public.memories AS m WHERE m.embedder < wanted LIMIT greatest(most, 0))
        UNION ALL
        (SELECT m.id, m.user_id FROM public.memories AS m WHERE m.embedder > wanted LIMIT greatest(most, 0))
        LIMIT greatest(most, 0);
    PERFORM set_config('app.counting', '', true);
END
$$;

REVOKE ALL ON FUNCTION unembedded(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION unembedded(text, integer) TO consilium_app;
