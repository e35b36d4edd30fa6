variable "layer_version" { type = number }
variable "runtime_name" {}
resource "aws_lambda_function" "inner" {
  runtime = var.runtime_name
  layers = ["arn:aws:lambda:${data.aws_region.current.region}:123456789012:layer:shared-utils:${var.layer_version}"]
}
