DROP INDEX turns_joined;
ALTER TABLE turns
    DROP COLUMN quotations,
    DROP COLUMN unread,
    DROP COLUMN sender_is_chat,
    DROP COLUMN part_key,
    DROP COLUMN join_until,
    DROP COLUMN joined_updates;
