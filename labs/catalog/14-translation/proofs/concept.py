import re

IGNORED = {"1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF", "2640", "2642", "200D", "FE0F"}
PEOPLE = {"1F468", "1F469", "1F9D1"}


def alternative_tuple(code):
    return tuple("person" if p in PEOPLE else p for p in code.split("-") if p not in IGNORED)


def alternative_pattern(code):
    code = re.sub(r"1F46[89]", "1F9D1", code)
    return re.sub(r"-(1F3F[B-F]|264[02]|200D|FE0F)(?=-|$)", "", code)


def alternative_numbers(code):
    key = []
    for point in (int(p, 16) for p in code.split("-")):
        if 0x1F3FB <= point <= 0x1F3FF or point in (0x2640, 0x2642, 0x200D, 0xFE0F):
            continue
        key.append(0x1F9D1 if point in (0x1F468, 0x1F469) else point)
    return key


def _without(code, ignored, people=PEOPLE):
    return "-".join("1F9D1" if p in people else p for p in code.split("-") if p not in ignored)


def mutant_tone__whole_code(code):
    return code


def mutant_tone__forgotten(code):
    return _without(code, {"2640", "2642", "200D", "FE0F"})


def mutant_tone__the_last_two_forgotten(code):
    return _without(code, IGNORED - {"1F3FE", "1F3FF", "1F3FD"})


def mutant_gender__forgotten(code):
    return _without(code, IGNORED - {"2640", "2642"})


def mutant_gender__one_sign_forgotten(code):
    return _without(code, IGNORED - {"2642"})


def mutant_gender__joiner_stays(code):
    return _without(code, IGNORED - {"200D"})


def mutant_joiner__selector_stays(code):
    return _without(code, IGNORED - {"FE0F"})


def mutant_person__man_and_woman_stay(code):
    return _without(code, IGNORED, people=set())


def mutant_lumps__first_point(code):
    return _without(code, IGNORED).split("-")[0]


def mutant_lumps__people_left_out(code):
    return _without(code, IGNORED | PEOPLE)[:3]
