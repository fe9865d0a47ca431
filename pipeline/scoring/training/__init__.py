"""How the default bundles are made: `sluice train`. Nothing here is imported when posts are scored (docs/model/training.md)."""
