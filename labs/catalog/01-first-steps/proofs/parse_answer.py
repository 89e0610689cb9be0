import re


def alternative_dictionary(answer, labels):
    known = {label.lower(): label for label in labels}
    return known.get(re.sub(r"\s*\.?\s*$", "", answer.strip().lower()), "")


def alternative_pattern(answer, labels):
    for label in labels:
        if re.fullmatch(rf"\s*{re.escape(label)}\s*\.?\s*", answer, re.IGNORECASE):
            return label
    return ""


def mutant_form__number(answer, labels):
    said = answer.strip().removesuffix(".").lower()
    return next((n for n, label in enumerate(labels) if label.lower() == said), -1)


def mutant_substring__anywhere(answer, labels):
    return next((label for label in labels if label.lower() in answer.lower()), "")


def mutant_substring__first_word_that_is_a_label(answer, labels):
    for word in re.findall(r"\w+", answer):
        for label in labels:
            if word.lower() == label.lower():
                return label
    return ""


def mutant_substring__starts_with(answer, labels):
    said = answer.strip().lower()
    return next((label for label in labels if said.startswith(label.lower())), "")


def mutant_case__answer_as_it_is(answer, labels):
    said = answer.strip().removesuffix(".").strip()
    return said if said in labels else ""


def mutant_trimmed__full_stop(answer, labels):
    said = answer.strip().lower()
    return next((label for label in labels if label.lower() == said), "")


def mutant_trimmed__blanks(answer, labels):
    said = answer.removesuffix(".").lower()
    return next((label for label in labels if label.lower() == said), "")


def mutant_spelling__lower_case(answer, labels):
    said = answer.strip().removesuffix(".").strip().lower()
    return said if said in [label.lower() for label in labels] else ""


def mutant_invented__beginning_of_a_label(answer, labels):
    said = answer.strip().removesuffix(".").strip().lower()
    return next((label for label in labels if label.lower().startswith(said)), "")


def mutant_invented__first_as_a_default(answer, labels):
    found = alternative_dictionary(answer, labels)
    return found or (labels[0] if not any(label.lower() in answer.lower() for label in labels) else "")
