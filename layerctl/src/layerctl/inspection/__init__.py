"""What is in an artifact, to look at rather than to judge: `layerctl verify` is for that.

`survey` counts, `difference` compares with an earlier artifact, `imports` measures, `page` draws.
"""
