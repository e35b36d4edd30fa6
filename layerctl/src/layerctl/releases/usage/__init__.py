"""Who uses which version of a layer: functions with all their published versions, and templates."""
