DROP INDEX turns_told;
