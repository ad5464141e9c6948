"""chainrule: neural networks whose gradient is derived once, as a formula that is printed, checked and run."""
