"""The functions behind `wengert.nn.functional`, one module for each family."""
