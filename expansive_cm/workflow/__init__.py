"""What every process here is made of, whatever it is about."""
