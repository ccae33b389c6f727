"""Common English first names, and Russian ones in Latin letters."""

from __future__ import annotations

from typing import Final

FIRST_NAMES: Final = frozenset(
    """
    aaron abigail adam adrian alan albert alex alexander alexandra alice alison amanda amber amelia amy andrea andrew
    angela ann anna anne annie anthony antonia arthur ashley audrey barbara barry beatrice ben benjamin bernard beth
    betty beverly bill billy bob bobby brandon brenda brian bridget bruce bryan caleb cameron carl carla carol caroline
    carolyn catherine cathy charles charlie charlotte cheryl chloe chris christian christina christine christopher cindy
    claire clara colin connor craig cynthia daisy dan daniel danielle danny darren dave david dawn dean deborah debra
    denise dennis derek diana diane dominic donald donna dora doris dorothy douglas dylan edith edward edwin eileen elaine
    eleanor elizabeth ella ellen emily emma eric erica erin ethan eugene eva evan evelyn felix fiona florence frances
    francis frank fred frederick gabriel gareth gary gavin geoffrey george gerald gina glenn gloria gordon grace graham
    greg gregory hannah harold harriet harry hazel heather helen henry herbert holly howard hugh ian irene isaac isabel
    isabella isla ivan ivy jack jackie jacob jacqueline jade jake james jamie jane janet janice jasmine jason jay jean
    jeff jeffrey jennifer jenny jeremy jerry jesse jessica jill jim jimmy joan joanna joanne joe joel john johnny jon
    jonathan jordan jose joseph josh joshua joy joyce juan judith judy julia julian julie june justin karen karl kate
    katherine kathleen kathryn kathy katie keith kelly ken kenneth kerry kevin kim kimberly kirsty kyle larry laura lauren
    laurence lawrence leah lee leo leon leonard leslie lewis liam lily linda lisa logan lois lorraine louis louise lucas
    lucy luke lydia lynn madison marcus margaret maria marie marilyn marion marjorie mark marta martha martin marvin mary
    mason matt matthew maureen maurice max megan melanie melissa mia michael michelle mike mildred miriam molly monica
    nancy naomi natalie natasha nathan neil nicholas nick nicola nicole nigel noah noel nora norma norman oliver olivia
    oscar owen pamela pat patricia patrick paul paula pauline peggy penelope peter phil philip phoebe phyllis rachel ralph
    randy ray raymond rebecca richard rick rita robert robin roger roland ron ronald rosa rose rosemary ross roy russell
    ruth ryan sally sam samantha samuel sandra sara sarah scott sean sebastian sharon sheila shirley sidney simon sophia
    sophie stanley stella stephanie stephen steve steven stuart sue susan suzanne sylvia tania tanya teresa terry theodore
    theresa thomas tiffany tim timothy tina toby todd tom tommy tony tracy trevor tyler valerie vanessa vera vernon
    veronica victor victoria vincent violet virginia vivian walter wanda warren wayne wendy wilfred will william willie
    wilma xavier yvonne zachary zoe
    aleksandr aleksei alexei alexey anastasia andrei andrey anton arina artem boris daria dasha denis dima dmitri dmitry
    egor ekaterina elena galina gennady igor ilya inna irina katya kirill konstantin ksenia lena leonid lev ludmila lyudmila
    maksim maxim marina masha mikhail misha nadezhda nastya natalia nikita nikolai nikolay nina oleg olga pavel petr polina
    roman ruslan sasha sergei sergey slava stanislav stepan svetlana tamara tatiana timur vadim valentina valery vasily
    viktor vitaly vlad vladimir vladislav vyacheslav yana yegor yulia yuri zhenya
    """.split()
)
