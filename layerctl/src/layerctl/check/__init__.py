"""What Lambda will do with a function: its layers, their order and sizes, what hides what, and what will not load.

`templates.load` reads templates, `model` holds their functions, `contents` finds what each layer and each function's
code holds, and the modules named after their concern (`limits`, `shadowing`, `platform`, `publishing`) find what goes
wrong.
"""
