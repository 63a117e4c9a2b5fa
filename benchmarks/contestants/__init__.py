"""The same work done four ways: each module reads a folder and writes four files into another."""
