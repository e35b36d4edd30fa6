"""Templates and configuration, each value with its place: SAM, CloudFormation, Serverless Framework, Terraform."""
