import torch


def alternative_zeros_first(texts, vocabulary, length):
    ids = torch.zeros(len(texts), length, dtype=torch.long)
    for n, tokens in enumerate(texts):
        for i, token in enumerate(tokens[:length]):
            ids[n, i] = vocabulary.get(token, 1)
    return ids


def alternative_pad_sequence(texts, vocabulary, length):
    rows = [torch.tensor([vocabulary.get(t, 1) for t in text[:length]], dtype=torch.long) for text in texts]
    rows.append(torch.zeros(length, dtype=torch.long))
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)[:-1]


def mutant_unknown__padding_for_the_unknown(texts, vocabulary, length):
    rows = [[vocabulary.get(t, 0) for t in text][:length] for text in texts]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows])


def mutant_unknown__skips_the_unknown(texts, vocabulary, length):
    rows = [[vocabulary[t] for t in text if t in vocabulary][:length] for text in texts]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows])


def mutant_padding__at_the_start(texts, vocabulary, length):
    rows = [[vocabulary.get(t, 1) for t in text][:length] for text in texts]
    return torch.tensor([[0] * (length - len(row)) + row for row in rows])


def mutant_cut__keeps_the_end(texts, vocabulary, length):
    rows = [[vocabulary.get(t, 1) for t in text][-length:] for text in texts]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows])


def mutant_value__counts_from_zero(texts, vocabulary, length):
    numbers = {token: n + 1 for token, n in vocabulary.items()}
    rows = [[numbers.get(t, 1) for t in text][:length] for text in texts]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows])


def mutant_shape__longest_in_the_batch(texts, vocabulary, length):
    longest = max(map(len, texts))
    rows = [[vocabulary.get(t, 1) for t in text] for text in texts]
    return torch.tensor([row + [0] * (longest - len(row)) for row in rows])


def mutant_dtype__floats(texts, vocabulary, length):
    rows = [[vocabulary.get(t, 1) for t in text][:length] for text in texts]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows], dtype=torch.float32)


def mutant_raised__unknown_token(texts, vocabulary, length):
    rows = [[vocabulary[t] for t in text][:length] for text in texts]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows])
