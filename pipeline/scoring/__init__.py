"""Scoring: a probability per label from a model bundle.

bundle.py describes a bundle, text.py and normalise.py prepare a text for it, model.py runs it, check.py judges it, scorer.py puts a fast
tier before it and a cache before both; stage.py is the step of the flow, offline.py the same without Kafka.
"""
