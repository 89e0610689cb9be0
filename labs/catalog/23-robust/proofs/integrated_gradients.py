import torch


def alternative_loop(score, x, baseline, steps):
    total = torch.zeros_like(x)
    for step in range(steps):
        point = (baseline + (step + 0.5) / steps * (x - baseline)).detach().requires_grad_()
        score(point.unsqueeze(0)).sum().backward()
        total += point.grad
    return (total / steps * (x - baseline)).sum(dim=1)


def alternative_trapezoid(score, x, baseline, steps):
    shares = torch.linspace(0, 1, steps + 1, dtype=x.dtype)[:, None, None]
    points = torch.lerp(baseline, x, shares).detach().requires_grad_()
    (slopes,) = torch.autograd.grad(score(points).sum(), points)
    return torch.einsum("tw,tw->t", x - baseline, torch.trapezoid(slopes, dx=1 / steps, dim=0))


def _slopes(score, x, baseline, steps):
    shares = ((torch.arange(steps) + 0.5) / steps)[:, None, None]
    points = (baseline + shares * (x - baseline)).detach().requires_grad_()
    return torch.autograd.grad(score(points).sum(), points)[0]


def mutant_end_only__gradient_times_difference(score, x, baseline, steps):
    point = x.clone().requires_grad_()
    score(point[None]).sum().backward()
    return (point.grad * (x - baseline)).sum(-1)


def mutant_end_only__gradient_times_input(score, x, baseline, steps):
    point = x.clone().requires_grad_()
    score(point[None]).sum().backward()
    return (point.grad * x).sum(-1)


def mutant_from_zero__no_baseline(score, x, baseline, steps):
    zero = torch.zeros_like(x)
    return (_slopes(score, x, zero, steps).mean(0) * x).sum(-1)


def mutant_no_difference__mean_gradient(score, x, baseline, steps):
    return _slopes(score, x, baseline, steps).mean(0).sum(-1)


def mutant_absolute__sizes(score, x, baseline, steps):
    return ((x - baseline) * _slopes(score, x, baseline, steps).mean(0)).sum(-1).abs()


def mutant_summed__not_averaged(score, x, baseline, steps):
    return ((x - baseline) * _slopes(score, x, baseline, steps).sum(0)).sum(-1)


def mutant_per_dimension__not_summed(score, x, baseline, steps):
    return (x - baseline) * _slopes(score, x, baseline, steps).mean(0)


def mutant_steps__always_three_hundred(score, x, baseline, steps):
    return ((x - baseline) * _slopes(score, x, baseline, 300).mean(0)).sum(-1)


def mutant_value__mean_over_width(score, x, baseline, steps):
    return ((x - baseline) * _slopes(score, x, baseline, steps).mean(0)).mean(-1)
