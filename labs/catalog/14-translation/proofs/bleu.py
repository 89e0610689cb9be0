import sacrebleu
from sacrebleu.metrics import BLEU, CHRF


def _scorer(language):
    return BLEU(tokenize="zh" if language == "zh" else "13a")


def alternative_target_language(hypotheses, references, language):
    scorer = BLEU(trg_lang=language)
    return scorer.corpus_score(hypotheses, [references]).score, str(scorer.get_signature())


def alternative_dictionary(hypotheses, references, language):
    scorer = BLEU(tokenize={"zh": "zh"}.get(language, "13a"))
    result = scorer.corpus_score(list(hypotheses), [list(references)])
    return [float(result.score), scorer.get_signature().format(short=False)]


def alternative_function(hypotheses, references, language):
    tokenize = "zh" if language.startswith("zh") else "13a"
    score = sacrebleu.corpus_bleu(hypotheses, [references], tokenize=tokenize).score
    scorer = BLEU(tokenize=tokenize, references=[references])
    scorer.corpus_score(hypotheses, None)
    return score, str(scorer.get_signature())


def mutant_spaces__default_for_all(hypotheses, references, language):
    scorer = BLEU(tokenize="13a")
    return scorer.corpus_score(hypotheses, [references]).score, str(scorer.get_signature())


def mutant_spaces__no_tokenizer(hypotheses, references, language):
    scorer = BLEU(tokenize="none")
    return scorer.corpus_score(hypotheses, [references]).score, str(scorer.get_signature())


def mutant_characters__chinese_for_all(hypotheses, references, language):
    scorer = BLEU(tokenize="char")
    if language == "zh":
        scorer = BLEU(tokenize="zh")
    return scorer.corpus_score(hypotheses, [references]).score, str(scorer.get_signature())


def mutant_mean__of_sentences(hypotheses, references, language):
    scorer = BLEU(tokenize="zh" if language == "zh" else "13a", effective_order=True)
    each = [scorer.sentence_score(a, [b]).score for a, b in zip(hypotheses, references)]
    return sum(each) / len(each), str(scorer.get_signature())


def mutant_swapped__references_first(hypotheses, references, language):
    scorer = _scorer(language)
    return scorer.corpus_score(references, [hypotheses]).score, str(scorer.get_signature())


def mutant_scale__a_share(hypotheses, references, language):
    scorer = _scorer(language)
    return scorer.corpus_score(hypotheses, [references]).score / 100, str(scorer.get_signature())


def mutant_value__lowercased(hypotheses, references, language):
    scorer = BLEU(tokenize="zh" if language == "zh" else "13a", lowercase=True, smooth_method="none",
                  max_ngram_order=2)  # fmt: skip
    return scorer.corpus_score(hypotheses, [references]).score, str(scorer.get_signature())


def mutant_value__chrf(hypotheses, references, language):
    scorer = CHRF()
    return scorer.corpus_score(hypotheses, [references]).score, str(scorer.get_signature())


def mutant_references__one_set_a_text(hypotheses, references, language):
    scorer = _scorer(language)
    score = scorer.corpus_score(hypotheses, [[text] for text in references]).score
    return score, str(scorer.get_signature())


def mutant_signature__an_object(hypotheses, references, language):
    scorer = _scorer(language)
    return scorer.corpus_score(hypotheses, [references]).score, scorer.get_signature()


def mutant_other_signature__from_memory(hypotheses, references, language):
    scorer = _scorer(language)
    signature = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:1.4.2"
    return scorer.corpus_score(hypotheses, [references]).score, signature


def mutant_pair__the_score_alone(hypotheses, references, language):
    return _scorer(language).corpus_score(hypotheses, [references]).score
