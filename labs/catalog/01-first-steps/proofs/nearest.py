import numpy as np


def alternative_unit_vectors(query, vectors, k):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    products = unit @ (query / np.linalg.norm(query))
    return [int(n) for n in np.argsort(products)[::-1][:k]]


def alternative_plain_python(query, vectors, k):
    def cosine(row):
        return sum(a * b for a, b in zip(row, query)) / (sum(a * a for a in row) ** 0.5)

    return sorted(range(len(vectors)), key=lambda n: cosine(vectors[n]), reverse=True)[:k]


def mutant_form__an_array(query, vectors, k):
    return np.array(alternative_unit_vectors(query, vectors, k))


def mutant_form__the_rows(query, vectors, k):
    return [vectors[n].tolist() for n in alternative_unit_vectors(query, vectors, k)]


def mutant_count__all(query, vectors, k):
    return alternative_unit_vectors(query, vectors, len(vectors))


def mutant_least__upwards(query, vectors, k):
    return np.argsort(vectors @ query / np.linalg.norm(vectors, axis=1))[:k].tolist()


def mutant_reversed__best_last(query, vectors, k):
    return np.argsort(vectors @ query / np.linalg.norm(vectors, axis=1))[-k:].tolist()


def mutant_long__products(query, vectors, k):
    return np.argsort(-(vectors @ query))[:k].tolist()


def mutant_long__one_length_for_all(query, vectors, k):
    return np.argsort(-(vectors @ query) / np.linalg.norm(vectors))[:k].tolist()


def mutant_distance__euclidean(query, vectors, k):
    return np.argsort(np.linalg.norm(vectors - query, axis=1))[:k].tolist()


def mutant_value__without_the_best(query, vectors, k):
    return alternative_unit_vectors(query, vectors, k + 1)[1:]
