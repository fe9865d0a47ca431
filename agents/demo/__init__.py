"""The demo: the whole flow on this machine, with real posts in many languages."""
