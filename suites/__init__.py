"""The trial itself: situations, one module an area. Nothing here judges; rules do."""
