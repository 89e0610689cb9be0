import torch
from torch.nn import functional as F


def alternative_log_sum_exp(questions, answers, temperature):
    a = questions / questions.norm(dim=1, keepdim=True)
    b = answers / answers.norm(dim=1, keepdim=True)
    logits = a @ b.T / temperature
    return (logits.logsumexp(dim=1) - logits.diagonal()).mean()


def alternative_pairwise(questions, answers, temperature):
    cosine = F.cosine_similarity(questions.unsqueeze(1), answers.unsqueeze(0), dim=2)
    chances = F.log_softmax(cosine / temperature, dim=1)
    own = torch.arange(len(questions))
    return -chances[own, own].mean()


def _cosine(questions, answers):
    return F.normalize(questions, dim=1) @ F.normalize(answers, dim=1).T


def _own(questions):
    return torch.arange(len(questions))


def mutant_sum__over_questions(questions, answers, temperature):
    return F.cross_entropy(_cosine(questions, answers) / temperature, _own(questions), reduction="sum")


def mutant_no_temperature__ignored(questions, answers, temperature):
    return F.cross_entropy(_cosine(questions, answers), _own(questions))


def mutant_multiplied__by_temperature(questions, answers, temperature):
    return F.cross_entropy(_cosine(questions, answers) * temperature, _own(questions))


def mutant_length__dot_product(questions, answers, temperature):
    return F.cross_entropy(questions @ answers.T / temperature, _own(questions))


def mutant_extra__square_only(questions, answers, temperature):
    logits = _cosine(questions, answers[: len(questions)]) / temperature
    return F.cross_entropy(logits, _own(questions))


def mutant_columns__transposed(questions, answers, temperature):
    logits = _cosine(answers[: len(questions)], questions) / temperature
    return F.cross_entropy(logits, _own(questions))


def mutant_softmax__twice(questions, answers, temperature):
    chances = F.softmax(_cosine(questions, answers) / temperature, dim=1)
    return F.cross_entropy(chances, _own(questions))


def mutant_value__only_questions_normalised(questions, answers, temperature):
    logits = F.normalize(questions, dim=1) @ answers.T / temperature
    return F.cross_entropy(logits, _own(questions))


def mutant_detached__no_grad(questions, answers, temperature):
    with torch.no_grad():
        return F.cross_entropy(_cosine(questions, answers) / temperature, _own(questions))


def mutant_not_a_tensor__item(questions, answers, temperature):
    return F.cross_entropy(_cosine(questions, answers) / temperature, _own(questions)).item()
