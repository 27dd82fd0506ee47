"""ScanNet (v2) downloads."""
