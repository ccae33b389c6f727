-- stage: before
-- Messages of a person that are not remembered yet: recall looks at them with each question. There are few at any time.
CREATE INDEX turns_told ON turns (user_id, created_at) WHERE kind = 'question' AND question <> '' AND NOT remembered;
