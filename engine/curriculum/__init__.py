"""The ledger of confidences, difficulty labels, resampling weights and feedback."""
