"""How well the rules work, measured: the protocols that the handbook's table comes from."""
