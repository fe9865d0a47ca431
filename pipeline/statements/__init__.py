"""Statements of reasons for the DSA transparency database: docs/statements.md.

Public: statement.statement_of (from a decision, pure), record (what the database accepts), codes (its countries and languages).
"""
