"""Every read worth a name, one module per noun."""
