joined_version = "14"
