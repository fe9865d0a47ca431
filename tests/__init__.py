"""Tests mirror the code; tests/integration runs on a genuine Kafka."""
