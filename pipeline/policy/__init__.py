"""What the operator decides: which action follows above which probability, and which people look at what. Read from TOML.

Public: policy (Policy, PolicySet, read_policies), rules, regions (Regions, Need, Placement, read_regions), region (Region), roster (Roster,
read_roster), check. docs/policy.md and docs/regions.md explain the files.
"""
