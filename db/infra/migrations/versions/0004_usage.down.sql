DROP FUNCTION hot_modes(timestamptz, integer);
DROP POLICY hot_modes_counts ON turns;
DROP INDEX turns_modes;
