DROP FUNCTION settle_library(smallint, bigint);
DROP TABLE vectors;
DROP TABLE embedders;
DROP TABLE chunks;
DROP TABLE documents;
DROP TABLE collections;
