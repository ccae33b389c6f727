DROP TABLE router_vectors;
ALTER TABLE turns DROP COLUMN routing;
