ALTER TABLE sessions DROP COLUMN adapters;
