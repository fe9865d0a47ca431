"""How good a bundle is, measured on labelled rows: what `sluice evaluate` prints and the model card is made of.

Public: rows (LabelledRow, read_rows), copies (distinct), sample (Sample, score_rows), measure (evaluate, Evaluation), benign (flagged),
plots, attacks (attacked, harmed), fairness (fairness_rows, group_rates), tables of these. Needs the extra `evaluate`; nothing that a worker
runs imports it.
"""
