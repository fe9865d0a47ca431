"""`sluice review`: a review tool for the terminal, one client of the topics among others. docs/reviewers.md is the contract it keeps.

Public: app.ReviewApp (the screen), queue (what is offered to whom), page (what is shown, and whether all of it was), safe (text that
cannot touch a terminal), words (verdicts and claims), link (the topics).
"""
