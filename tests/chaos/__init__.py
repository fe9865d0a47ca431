"""Kills stages and brokers while posts flow, and compares what went in with what came out."""
