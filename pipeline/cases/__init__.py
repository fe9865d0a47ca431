"""What people decide: one state machine per post. docs/cases.md draws it."""
