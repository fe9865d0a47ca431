"""What the operator decides: which action follows above which probability, and which people look at what. Read from TOML.

Public: policy (Policy, PolicySet, read_policies), rules, regions (Regions, read_regions), check. docs/policy.md explains the files.
"""
