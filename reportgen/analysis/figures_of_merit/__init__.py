"""How good answers are against the truth: one streaming, mergeable accumulator for each kind of answer.

All have `add`, `merge` and `result`. Results are the same to the last bit for any split and order of the images:
what is kept are integers, exact sums, or small rows that are put in the order of the images before anything is
computed from them.
"""
