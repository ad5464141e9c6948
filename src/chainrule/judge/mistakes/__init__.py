"""The kinds of mistakes, each as changes of one part of a formula; `judge.mutations` collects them."""
