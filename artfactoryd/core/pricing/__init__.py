"""What calls cost: prices as sums of parts, the most that a call may come to, and its bill by what came of it."""
