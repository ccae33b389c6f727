DROP FUNCTION open_turns(integer);
DROP FUNCTION turn_states(timestamptz);
DROP FUNCTION oversee_turns(text, integer);
DROP FUNCTION owner_of_turn(text);
DROP FUNCTION stranded_turns(text, interval, interval);
DROP POLICY overseen ON turns;
DROP POLICY overseen ON sessions;
DROP TABLE parts, allowances, processes;
DROP INDEX turns_update, turns_waiting, turns_open, turns_created;
ALTER TABLE turns
    DROP COLUMN kind, DROP COLUMN update_id, DROP COLUMN asked_mode, DROP COLUMN roles, DROP COLUMN language,
    DROP COLUMN address, DROP COLUMN said_table, DROP COLUMN attempts, DROP COLUMN setbacks, DROP COLUMN process_id,
    DROP COLUMN give_up_at, DROP COLUMN stop_asked, DROP COLUMN sources, DROP COLUMN recalled, DROP COLUMN timings,
    DROP COLUMN ended_at;
