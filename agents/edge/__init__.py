"""Kafka under Faust: transport, producer, runner, watchdog, and what an exception does. The same for every stage."""
