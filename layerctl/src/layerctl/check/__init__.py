"""What Lambda will do with a function: its layers, their order and sizes, what hides what, and what will not load.

`stacks` reads templates into `model`, `contents` finds what each layer and each function's code holds, and the
modules named after their concern (`limits`, `shadowing`, `imports`, `platform`, `publishing`) find what goes wrong.
"""
