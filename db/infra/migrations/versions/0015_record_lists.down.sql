DROP TABLE record_lists;
