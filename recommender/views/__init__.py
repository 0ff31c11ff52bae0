"""Pages of the dashboard: a request comes in, plain values go out."""
