DROP FUNCTION find_person(text, text);
DROP FUNCTION open_turns_of(text, integer);
ALTER TABLE turns DROP COLUMN share;
DROP TABLE api_keys;
