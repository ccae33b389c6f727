-- stage: before
-- What a reader has told about the document beside its text, such as the hidden sheets it left out: a list of objects.
ALTER TABLE documents ADD COLUMN notes jsonb NOT NULL DEFAULT '[]';
