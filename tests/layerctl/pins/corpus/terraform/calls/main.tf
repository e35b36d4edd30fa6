module "api" {
  source        = "./modules/fn"
  layer_version = 12 # shared-utils 1.4.0
  runtime_name  = local.rt
}
locals { rt = "python3.12" }
resource "aws_lambda_function" "f" {
  runtime = local.rt
  layers = ["arn:aws:lambda:us-east-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-${replace(local.rt, ".", "")}-${var.arch}:${var.pt}"]
}
variable "arch" { default = "arm64" }
variable "pt" {}
