"""Health, readiness and metrics over HTTP, of the web and of workers."""
