-- stage: before
ALTER TABLE turns
    -- Messages that the question replies to, quotes or forwards, with their authors: data, and not the person's words.
    ADD COLUMN quotations jsonb,
    -- Kinds of what came with the message and could not be read, such as pictures.
    ADD COLUMN unread text[] NOT NULL DEFAULT '{}',
    -- Sent in the name of a chat, by an anonymous admin or a channel: nothing of it is remembered.
    ADD COLUMN sender_is_chat boolean NOT NULL DEFAULT false,
    -- A message may come in several parts. Those with the same key are joined to the first until this moment, as long as
    -- no worker has claimed it.
    ADD COLUMN part_key text,
    ADD COLUMN join_until timestamptz,
    -- The updates of the parts that were joined.
    ADD COLUMN joined_updates text[] NOT NULL DEFAULT '{}';
CREATE INDEX turns_joined ON turns (session_id) WHERE joined_updates <> '{}';
