DROP FUNCTION unremembered_turns(text, interval, integer);
DROP INDEX turns_unremembered;
ALTER TABLE turns DROP COLUMN forgotten, DROP COLUMN remembered;
