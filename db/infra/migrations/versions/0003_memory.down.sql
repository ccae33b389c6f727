DROP TABLE memories;
DROP FUNCTION folded(text);
