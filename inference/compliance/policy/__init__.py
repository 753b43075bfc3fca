"""Policy packs: rules that are data, the few operators they may use, and what they say of a job's facts."""
