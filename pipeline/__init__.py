"""What is decided: pure stages. No Kafka, no metrics registry, no clock of its own. Imports schemas only. Start at flow.py."""
