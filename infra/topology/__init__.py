"""The topology as data: who takes part, which topics there are, who may write and read them, and why."""
