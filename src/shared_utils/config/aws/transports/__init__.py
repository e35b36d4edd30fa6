"""Three ways to ask AWS: signed requests of our own, boto3, and AWS's Lambda extensions."""
