"""Bring an older ledger up to this version; each revision is one released change of the tables."""
