"""What tests, chaos and bench share: a genuine Kafka, clients to look at it with, Java's own console tools."""
