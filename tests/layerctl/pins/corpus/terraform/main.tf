provider "aws" {
  region = "eu-west-1"
}

data "aws_region" "current" {}

locals {
  # Datadog's releases: https://github.com/DataDog
  dd_version = "86"
  dd_layer = var.datadog ? (
    var.arm ?
    "arn:aws:lambda:${data.aws_region.current.name}:464622532012:layer:Datadog-Extension-ARM:${local.dd_version}" :
    "arn:aws:lambda:${data.aws_region.current.name}:464622532012:layer:Datadog-Extension:${local.dd_version}"
  ) : ""
  insights = {
    "us-east-1" = "arn:aws:lambda:us-east-1:580247275435:layer:LambdaInsightsExtension:21"
    eu-west-1   = "arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:20"
  }
  php    = format("arn:aws:lambda:%s:534081306603:layer:php-81:%s", data.aws_region.current.name, 12)
  joined = join(":", ["arn:aws:lambda:${var.region}:123456789012:layer", "joined:${var.joined_version}"])
}

resource "aws_lambda_function" "api" {
  function_name = "api"
  runtime       = "python3.12"
  architectures = ["arm64"]
  layers = compact([
    local.dd_layer,
    local.insights[data.aws_region.current.name],
    "arn:aws:lambda:${var.region}:123456789012:layer:shared-utils:${var.layer_version}",
    local.php, local.joined,
    aws_lambda_layer_version.mine.arn,
  ])
}
