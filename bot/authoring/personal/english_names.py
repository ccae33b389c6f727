"""Common English first names, and Russian ones in Latin letters."""

from __future__ import annotations

from typing import Final

_NAMES: Final = """
    aaron abigail adam adrian alan albert aleksandr aleksei alex alexander alexandra alexei alexey alice alison
    amanda amber amelia amy anastasia andrea andrei andrew andrey angela ann anna anne annie anthony anton antonia
    arina artem arthur ashley audrey barbara barry beatrice ben benjamin bernard beth betty beverly bill billy bob
    bobby boris brandon brenda brian bridget bruce bryan caleb cameron carl carla carol caroline carolyn catherine
    cathy charles charlie charlotte cheryl chloe chris christian christina christine christopher cindy claire clara
    colin connor craig cynthia daisy dan daniel danielle danny daria darren dasha dave david dawn dean deborah debra
    denis denise dennis derek diana diane dima dmitri dmitry dominic donald donna dora doris dorothy douglas dylan
    edith edward edwin egor eileen ekaterina elaine eleanor elena elizabeth ella ellen emily emma eric erica erin
    ethan eugene eva evan evelyn felix fiona florence frances francis frank fred frederick gabriel galina gareth
    gary gavin gennady geoffrey george gerald gina glenn gloria gordon grace graham greg gregory hannah harold
    harriet harry hazel heather helen henry herbert holly howard hugh ian igor ilya inna irene irina isaac isabel
    isabella isla ivan ivy jack jackie jacob jacqueline jade jake james jamie jane janet janice jasmine jason jay
    jean jeff jeffrey jennifer jenny jeremy jerry jesse jessica jill jim jimmy joan joanna joanne joe joel john
    johnny jon jonathan jordan jose joseph josh joshua joy joyce juan judith judy julia julian julie june justin
    karen karl kate katherine kathleen kathryn kathy katie katya keith kelly ken kenneth kerry kevin kim kimberly
    kirill kirsty konstantin ksenia kyle larry laura lauren laurence lawrence leah lee lena leo leon leonard leonid
    leslie lev lewis liam lily linda lisa logan lois lorraine louis louise lucas lucy ludmila luke lydia lynn
    lyudmila madison maksim marcus margaret maria marie marilyn marina marion marjorie mark marta martha martin
    marvin mary masha mason matt matthew maureen maurice max maxim megan melanie melissa mia michael michelle mike
    mikhail mildred miriam misha molly monica nadezhda nancy naomi nastya natalia natalie natasha nathan neil
    nicholas nick nicola nicole nigel nikita nikolai nikolay nina noah noel nora norma norman oleg olga oliver
    olivia oscar owen pamela pat patricia patrick paul paula pauline pavel peggy penelope peter petr phil philip
    phoebe phyllis polina rachel ralph randy ray raymond rebecca richard rick rita robert robin roger roland roman
    ron ronald rosa rose rosemary ross roy ruslan russell ruth ryan sally sam samantha samuel sandra sara sarah
    sasha scott sean sebastian sergei sergey sharon sheila shirley sidney simon slava sophia sophie stanislav
    stanley stella stepan stephanie stephen steve steven stuart sue susan suzanne svetlana sylvia tamara tania tanya
    tatiana teresa terry theodore theresa thomas tiffany tim timothy timur tina toby todd tom tommy tony tracy
    trevor tyler vadim valentina valerie valery vanessa vasily vera vernon veronica victor victoria viktor vincent
    violet virginia vitaly vivian vlad vladimir vladislav vyacheslav walter wanda warren wayne wendy wilfred will
    william willie wilma xavier yana yegor yulia yuri yvonne zachary zhenya zoe
"""
FIRST_NAMES: Final = frozenset(_NAMES.split())
