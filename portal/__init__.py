"""The portal: *Manage Subscription*, a small app of its own that talks to the churn service over HTTP only."""
