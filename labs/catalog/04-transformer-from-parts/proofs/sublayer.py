def alternative_branches(x, work, norm, residual):
    if residual:
        return x + work(norm(x))
    return work(norm(x))


def alternative_times_zero(x, work, norm, residual):
    return x * float(residual) + work(norm(x))


def mutant_missing__never_added(x, work, norm, residual):
    return work(norm(x))


def mutant_normed__adds_the_normalized(x, work, norm, residual):
    y = norm(x)
    return y + work(y) if residual else work(y)


def mutant_after__as_in_the_paper(x, work, norm, residual):
    return norm(x + work(x)) if residual else norm(work(x))


def mutant_no_norm__forgotten(x, work, norm, residual):
    return x + work(x) if residual else work(x)


def mutant_always__ignores_residual(x, work, norm, residual):
    return x + work(norm(x))


def mutant_switch__returns_x(x, work, norm, residual):
    return x + work(norm(x)) if residual else norm(work(x))


def mutant_value__half(x, work, norm, residual):
    change = work(norm(x))
    return (x + change) / 2 if residual else change
