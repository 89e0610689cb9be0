import numpy as np


def alternative_ratio(logprobs, tokens, prior):
    gains = {label: np.exp(logprobs[token]) / np.exp(prior[label]) for label, token in tokens.items()}
    return max(gains, key=gains.get)


def alternative_sorted(logprobs, tokens, prior):
    return sorted(prior, key=lambda label: prior[label] - logprobs[tokens[label]])[0]


def alternative_array(logprobs, tokens, prior):
    labels = list(tokens)
    gain = np.asarray(logprobs)[[tokens[label] for label in labels]] - [prior[label] for label in labels]
    return labels[int(np.argmax(gain))]


def mutant_form__number_of_the_label(logprobs, tokens, prior):
    return int(np.argmax([logprobs[tokens[label]] - prior[label] for label in tokens]))


def mutant_form__best_of_all_tokens(logprobs, tokens, prior):
    best = int(np.argmax(logprobs))
    return next((label for label, token in tokens.items() if token == best), best)


def mutant_raw__prior_forgotten(logprobs, tokens, prior):
    return max(tokens, key=lambda label: logprobs[tokens[label]])


def mutant_added__plus(logprobs, tokens, prior):
    return max(tokens, key=lambda label: logprobs[tokens[label]] + prior[label])


def mutant_prior__only(logprobs, tokens, prior):
    return max(prior, key=prior.get)


def mutant_lowest__min(logprobs, tokens, prior):
    return min(tokens, key=lambda label: logprobs[tokens[label]] - prior[label])


def mutant_lowest__turned_round(logprobs, tokens, prior):
    return max(tokens, key=lambda label: prior[label] - logprobs[tokens[label]])


def mutant_value__by_position(logprobs, tokens, prior):
    labels = list(tokens)
    return max(labels, key=lambda label: logprobs[labels.index(label)] - prior[label])
