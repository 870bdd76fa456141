"""What stands between a chat message and its model: routing, retries, breakers, fallbacks, answers kept for later."""
