"""What a run's calls tell of its models' quotas."""
