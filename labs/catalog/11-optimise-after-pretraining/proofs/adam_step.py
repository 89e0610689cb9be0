import torch


def _moments(grad, m, v, step):
    m = torch.lerp(m, grad, 0.1)
    v = torch.lerp(v, grad.square(), 0.001)
    return m, v, (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)


def alternative_shrink_first(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    m, v, update = _moments(torch.add(grad, weight, alpha=l2), m, v, step)
    return weight * (1 - lr * decay) - lr * update, m, v


def alternative_gradient_of_the_penalty(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    leaf = weight.clone().requires_grad_()
    with torch.enable_grad():
        penalty = l2 / 2 * (leaf**2).sum()
    m, v, update = _moments(grad + torch.autograd.grad(penalty, leaf)[0], m, v, step)
    return weight - lr * (update + decay * weight), m, v


def mutant_no_l2__forgotten(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    m, v, update = _moments(grad, m, v, step)
    return weight - lr * update - lr * decay * weight, m, v


def mutant_l2_late__both_at_the_end(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    m, v, update = _moments(grad, m, v, step)
    return weight - lr * (update + (l2 + decay) * weight), m, v


def mutant_no_decay__forgotten(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    m, v, update = _moments(grad + l2 * weight, m, v, step)
    return weight - lr * update, m, v


def mutant_coupled__both_in_the_gradient(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    m, v, update = _moments(grad + (l2 + decay) * weight, m, v, step)
    return weight - lr * update, m, v


def mutant_unscaled__without_the_rate(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    m, v, update = _moments(grad + l2 * weight, m, v, step)
    return weight - lr * update - decay * weight, m, v


def mutant_sign__penalty_subtracted(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    m, v, update = _moments(grad - l2 * weight, m, v, step)
    return weight - lr * update - lr * decay * weight, m, v


def mutant_sign__decay_added(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    m, v, update = _moments(grad + l2 * weight, m, v, step)
    return weight - lr * update + lr * decay * weight, m, v


def mutant_value__l1_penalty(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    m, v, update = _moments(grad + l2 * weight.sign(), m, v, step)
    return weight - lr * update - lr * decay * weight, m, v


def mutant_in_place__adds_to_the_gradient(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    grad += l2 * weight
    m, v, update = _moments(grad, m, v, step)
    return weight - lr * update - lr * decay * weight, m, v


def mutant_triple__weight_alone(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    return weight - lr * _moments(grad + l2 * weight, m, v, step)[2] - lr * decay * weight


def mutant_no_effect__only_in_the_first_steps(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    if step > 10:
        l2 = decay = 0.0
    m, v, update = _moments(grad + l2 * weight, m, v, step)
    return weight - lr * update - lr * decay * weight, m, v
