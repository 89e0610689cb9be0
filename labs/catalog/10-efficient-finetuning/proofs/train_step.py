from torch import nn
from torch.nn import functional as F


def alternative_zero_last(model, batch, labels, optimizer, weight):
    loss = nn.CrossEntropyLoss(weight=weight)(model(batch), labels)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return float(loss)


def alternative_by_hand(model, batch, labels, optimizer, weight):
    for parameter in model.parameters():
        parameter.grad = None
    picked = F.log_softmax(model(batch), dim=-1).gather(1, labels[:, None])
    share = weight[labels][:, None]
    loss = -(share * picked).sum() / share.sum()
    loss.backward()
    optimizer.step()
    return loss.detach().item()


def mutant_accumulates__never_zeroes(model, batch, labels, optimizer, weight):
    loss = F.cross_entropy(model(batch), labels, weight=weight)
    loss.backward()
    optimizer.step()
    return loss.item()


def mutant_no_update__never_steps(model, batch, labels, optimizer, weight):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(batch), labels, weight=weight)
    loss.backward()
    return loss.item()


def mutant_no_update__zeroes_too_late(model, batch, labels, optimizer, weight):
    loss = F.cross_entropy(model(batch), labels, weight=weight)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def mutant_softmax__twice(model, batch, labels, optimizer, weight):
    optimizer.zero_grad()
    loss = F.cross_entropy(F.softmax(model(batch), dim=-1), labels, weight=weight)
    loss.backward()
    optimizer.step()
    return loss.item()


def mutant_unweighted__ignores_the_weights(model, batch, labels, optimizer, weight):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(batch), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def mutant_loss__mean_over_the_batch(model, batch, labels, optimizer, weight):
    optimizer.zero_grad()
    loss = (weight[labels] * F.cross_entropy(model(batch), labels, reduction="none")).mean()
    loss.backward()
    optimizer.step()
    return loss.item()


def mutant_loss__squared_error(model, batch, labels, optimizer, weight):
    optimizer.zero_grad()
    loss = F.mse_loss(model(batch), F.one_hot(labels, 3).float())
    loss.backward()
    optimizer.step()
    return loss.item()


def mutant_update__twice(model, batch, labels, optimizer, weight):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(batch), labels, weight=weight)
    loss.backward()
    optimizer.step()
    optimizer.step()
    return loss.item()
