"""What the program costs in time and memory, each number beside a peer or a floor measured in the same run."""
