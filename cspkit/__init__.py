"""Move licence-based subscriptions into the Cloud Solution Provider programme."""
