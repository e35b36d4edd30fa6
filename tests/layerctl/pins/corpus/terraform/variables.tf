variable "layer_version" {
  type    = number
  default = 12 # shared-utils 1.4.0
}

variable "region" { default = "eu-west-1" }
variable "joined_version" { type = string }
variable "layers" {
  type    = list(string)
  default = ["arn:aws:lambda:eu-west-1:123456789012:layer:listed:4"]
}
