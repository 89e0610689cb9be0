def alternative_candidates_first(examples, rewrite, copies, held_out, rng):
    grown = dict(examples)
    for text, label in examples:
        for other in [rewrite(text, rng) for _ in range(copies)]:
            if other not in held_out:
                grown.setdefault(other, label)
    return list(grown.items())


def alternative_rounds(examples, rewrite, copies, held_out, rng):
    known, new = {text for text, _ in examples}, []
    for _ in range(copies):
        for text, label in examples:
            other = rewrite(text, rng)
            if other in known or other in held_out:
                continue
            known.add(other)
            new.append((other, label))
    return examples + new


def _grown(examples, rewrite, copies, held_out, rng):
    return alternative_rounds(examples, rewrite, copies, held_out, rng)


def mutant_leak__ignores_what_is_held_out(examples, rewrite, copies, held_out, rng):
    return _grown(examples, rewrite, 3 * copies, [], rng)


def mutant_twice__no_set(examples, rewrite, copies, held_out, rng):
    new = [(rewrite(text, rng), label) for text, label in examples for _ in range(copies)]
    return examples + [pair for pair in new if pair[0] not in held_out]


def mutant_originals__only_the_new(examples, rewrite, copies, held_out, rng):
    return _grown(examples, rewrite, copies, held_out, rng)[len(examples) :]


def mutant_originals__shuffled(examples, rewrite, copies, held_out, rng):
    grown = _grown(examples, rewrite, copies, held_out, rng)
    rng.shuffle(grown)
    return grown


def mutant_few__nothing_new(examples, rewrite, copies, held_out, rng):
    return list(examples)


def mutant_too_many__until_nothing_is_new(examples, rewrite, copies, held_out, rng):
    wordy = [(f"{text}{'吧' * n}", label) for n in range(1, copies + 3) for text, label in examples]
    return examples + [pair for pair in wordy if pair[0] not in held_out]


def mutant_label__the_neighbours(examples, rewrite, copies, held_out, rng):
    grown = _grown(examples, rewrite, copies, held_out, rng)
    new = grown[len(examples) :]
    labels = [label for _, label in new]
    return examples + [(text, label) for (text, _), label in zip(new, labels[7:] + labels[:7], strict=True)]


def mutant_pairs__texts_alone(examples, rewrite, copies, held_out, rng):
    return [text for text, _ in _grown(examples, rewrite, copies, held_out, rng)]
