ALTER TABLE turns DROP COLUMN consilium, DROP COLUMN voices;
ALTER TABLE sessions DROP COLUMN consilium;
