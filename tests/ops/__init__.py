"""Rules, dashboards, console pages and what they rest on."""
