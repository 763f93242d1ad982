"""One thing done to many instances: planned, paced, recorded, paused, resumed after a kill, the failed ones done again."""
