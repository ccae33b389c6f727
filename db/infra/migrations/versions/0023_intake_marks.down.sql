DROP FUNCTION direct_places(text, text, integer);
DROP TABLE intake_marks;
