"""Text analysis in Russian and English, and the tables of words it needs. Imports nothing of the rest of `bot`.

Tables, one of each:
    numerals     number words, and the numbers they make
    calendar     months, weekdays, seasons, units of time
    stop_words   words without content, for each way of comparing texts
    negation     words that negate a statement
    opposites    comparatives and other pairs of opposites
    sentences    where a sentence ends, with the abbreviations that do not end one
    words        folding, stems, case endings
    language     which language a text is in, by its letters

Built from them:
    analysis           what a text states, in a form that can be compared
    dates              the dates that open diary entries
    time_expressions   "last week", «в прошлом мае» as intervals
"""
