"""ScanNet++ downloads."""
