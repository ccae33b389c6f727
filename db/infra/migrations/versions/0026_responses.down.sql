DROP TRIGGER forget_tool_steps ON turns;
DROP FUNCTION forget_tool_steps();
ALTER TABLE turns DROP COLUMN metadata;
ALTER TABLE turns DROP COLUMN tool_steps;
ALTER TABLE turns DROP COLUMN previous_id;
