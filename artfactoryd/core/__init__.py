"""LAW: decides, never acts. No I/O, no clock, no environment, no unseeded chance."""
