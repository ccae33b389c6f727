"""Text analysis in Russian and English, and the tables of words it needs. Imports nothing of the rest of `bot`.

Tables, one of each:
    numerals     number words, and the numbers they make
    calendar     months, weekdays, seasons, units of time
    stop_words   words without content, for each way of comparing texts
    negation     words that negate a statement
    contrasts    words of which a statement takes one: left and right
    operators    negation, modality, quantifiers, bounds, conditions, whose word it is
    prepositions which part a word has in its sentence
    synonyms     words that say the same in most statements
    units        units of measure and currencies
    sentences    where a sentence ends, with the abbreviations that do not end one
    words        folding, stems, case endings
    language     which language a text is in, by its letters

Built from them:
    analysis           what a text is about, in a form that can be compared
    morphology         dictionary forms, parts of speech, cases
    quantities         numbers with sign and unit
    requests           whether a message asks for facts
    dates              the dates that open diary entries
    time_expressions   "last week", «в прошлом мае» as intervals
"""
