"""The dashboard: rollouts, the service, drift and models, as pages that are drawn on the server."""
