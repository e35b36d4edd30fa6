"""Who may use which layer version: read from policies, wanted by `layer.toml`, granted, revoked, audited."""
