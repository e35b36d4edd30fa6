"""Where values come from: the environment, SSM, Secrets Manager, AppConfig."""
