"""What travels on Kafka: records, their limits, their wire form and the one table of topics. No I/O; imports nothing of ours."""
