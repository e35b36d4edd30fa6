pt = 18
