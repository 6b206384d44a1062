"""Checks of the tree that no compiler makes. Each function named test_* in a module here is one test of `./dev test`: it takes
a tree.Tree and yields one line for each problem; its docstring is its name."""
