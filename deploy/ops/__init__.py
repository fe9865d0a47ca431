"""Rules, dashboards and console pages, made from deploy/objectives.toml: `python -m deploy.ops`."""
