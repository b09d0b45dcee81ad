"""What is true of every station whatever it speaks: a meter, a car's battery, and what charging profiles leave of the power."""
