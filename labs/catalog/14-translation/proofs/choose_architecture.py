def alternative_table(task):
    fitting = {
        ("text", True): "decoder",
        ("text", False): "encoder-decoder",
    }
    return fitting.get((task["gives"], task["continues"]), "encoder")


def alternative_match(task):
    match task:
        case {"gives": "text", "continues": True}:
            return "decoder"
        case {"gives": "text"}:
            return "encoder-decoder"
        case _:
            return "encoder"


def mutant_no_text_decoder__only_asks_whether_it_continues(task):
    return "encoder-decoder" if task["gives"] == "text" and not task["continues"] else "decoder"


def mutant_no_text_both__one_for_everything_but_stories(task):
    return "decoder" if task["continues"] else "encoder-decoder"


def mutant_continues_encoder__no_text_or_not_new(task):
    return "encoder-decoder" if task["gives"] == "text" and not task["continues"] else "encoder"


def mutant_continues_both__text_means_two_parts(task):
    return "encoder-decoder" if task["gives"] == "text" else "encoder"


def mutant_another_text_decoder__text_means_decoder(task):
    return "decoder" if task["gives"] == "text" else "encoder"


def mutant_another_text_encoder__the_whole_input_is_read(task):
    return "decoder" if task["continues"] else "encoder"


def mutant_not_a_name__seq2seq(task):
    if task["gives"] != "text":
        return "encoder"
    return "decoder" if task["continues"] else "seq2seq"
