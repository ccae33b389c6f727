DROP FUNCTION read_audit_log(integer);
DROP TABLE audit_log;
