"""What the proofs of the subword steps share."""


def merge(tokens, pair):
    made = []
    for token in tokens:
        if made and (made[-1], token) == tuple(pair):
            made[-1] += token
        else:
            made.append(token)
    return made
