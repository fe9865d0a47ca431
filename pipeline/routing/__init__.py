"""The last step of the flow: a scored post becomes a decision and, where a person must look, a task with its conversation.

Public: stage.RoutingStage; decide (the decision itself, pure), context (recent conversations), digest (what a reviewer was shown).
"""
