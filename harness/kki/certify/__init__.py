"""A merchant on trial: what it must be seen to do and to survive, who plays DOKU for it, and what is seen meanwhile."""
