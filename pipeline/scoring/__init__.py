"""Scoring: a probability per label from a model bundle.

bundle.py describes a bundle, text.py and normalise.py prepare a text for it, model.py runs it, check.py judges it, stage.py is the step of
the flow, offline.py the same without Kafka.
"""
