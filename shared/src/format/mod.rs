//! Disk-image inspection, sans-I/O: bytes go in, a verdict comes out.
