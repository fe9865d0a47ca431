"""The Kafka edge: transport, runner, one file per agent, command line. Imports pipeline and schemas."""
