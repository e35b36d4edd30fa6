module "function" {
  source  = "terraform-aws-modules/lambda/aws"
  handler = "app.handler"
  runtime = "python3.13"

  layers = [
    "arn:aws:lambda:eu-west-1:123456789012:layer:shared-utils:4", // shared-utils 1.3.0
  ]

  policy = <<-EOT
    {"Resource": "arn:aws:lambda:eu-west-1:123456789012:layer:in-policy:9"}
  EOT
}
