"""The Chinese service, made right and spoiled in each way its check knows."""

from _shared import (
    alternative_another_seed,
    alternative_linear_model,
    mutant_bad_reply__percent,
    mutant_does_not_load__weights_of_another_model,
    mutant_format__no_output,
    mutant_keeps__has_an_answer_to_everything,
    mutant_language__the_other_one,
    mutant_layout__no_pack_json,
    mutant_no_code__no_load,
    mutant_no_metrics__words_for_numbers,
    mutant_not_json__python_repr,
    mutant_pickle__torch_save,
    mutant_scores_differ__of_another_threshold,
    mutant_scores_differ__percent,
    mutant_skills__one_left_out,
    mutant_too_large__checkpoints_left,
    mutant_too_shy__hands_everything_over,
    mutant_too_sure__skills_in_another_order,
)
