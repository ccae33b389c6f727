-- stage: before
-- What `auto` compared when it chose the turn's mode; NULL when the mode was chosen by the person.
ALTER TABLE turns ADD COLUMN routing jsonb;

-- Vectors of the texts that messages are compared with: a mind's questions and descriptions, by the hash of their
-- content. They belong to minds and not to people.
CREATE TABLE router_vectors (
    mind text NOT NULL,
    embedder text NOT NULL,
    digest bytea NOT NULL,
    embedding halfvec NOT NULL,
    PRIMARY KEY (mind, embedder, digest)
);
GRANT SELECT, INSERT, DELETE ON router_vectors TO consilium_app;
