DROP TABLE turns, sessions;
