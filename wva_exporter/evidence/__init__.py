"""Claims about models and policies, and what they rest on: fits to measurements, generated proofs, their pictures."""
