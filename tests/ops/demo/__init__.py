"""`make ops-demo`: the stages under load, Prometheus and Alertmanager; faults are made, and the alert that each of them raises comes in.

Nobody in it exists: posts, reviewers and platform are simulated. Windows are shortened alike, from the objectives in deploy.
"""
