LAYERS = {
    "us-east-1": "arn:aws:lambda:us-east-1:770693421928:layer:Klayers-p312-Pillow:5",
    "us-west-2":
        "arn:aws:lambda:us-west-2:770693421928:layer:Klayers-p312-Pillow:6",
}
