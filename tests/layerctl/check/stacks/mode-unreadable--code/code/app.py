handler = dict
