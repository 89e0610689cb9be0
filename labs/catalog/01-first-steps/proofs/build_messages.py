def alternative_comprehension(instruction, examples, request):
    shown = [
        {"role": role, "content": content}
        for text, label in examples
        for role, content in (("user", text), ("assistant", label))
    ]
    return [{"role": "system", "content": instruction}, *shown, {"role": "user", "content": request}]


def alternative_said(instruction, examples, request):
    said = [("system", instruction)]
    for text, label in examples:
        said += [("user", text), ("assistant", label)]
    return [dict(role=role, content=content) for role, content in [*said, ("user", request)]]


def mutant_form__one_text(instruction, examples, request):
    return instruction + "".join(f"\n{text}: {label}" for text, label in examples) + f"\n{request}:"


def mutant_form__pairs(instruction, examples, request):
    return [(m["role"], m["content"]) for m in alternative_said(instruction, examples, request)]


def mutant_request__forgotten(instruction, examples, request):
    return alternative_said(instruction, examples, request)[:-1]


def mutant_request__before_the_examples(instruction, examples, request):
    messages = alternative_said(instruction, examples, request)
    return [messages[0], messages[-1], *messages[1:-1]]


def mutant_shots__examples_in_the_instruction(instruction, examples, request):
    shown = "".join(f"\n{text}: {label}" for text, label in examples)
    return alternative_said(instruction + shown, [], request)


def mutant_shots__labels_left_out(instruction, examples, request):
    messages = alternative_said(instruction, examples, request)
    return [m for m in messages if m["role"] != "assistant"]


def mutant_roles__all_by_the_user(instruction, examples, request):
    messages = alternative_said(instruction, examples, request)
    return [messages[0], *({**m, "role": "user"} for m in messages[1:])]


def mutant_order__backwards(instruction, examples, request):
    return alternative_said(instruction, list(examples)[::-1], request)


def mutant_content__decorated(instruction, examples, request):
    shown = [(f"Name: {text}", label) for text, label in examples]
    return alternative_said(instruction, shown, request)


def mutant_content__label_for_text(instruction, examples, request):
    return alternative_said(instruction, [(label, text) for text, label in examples], request)
