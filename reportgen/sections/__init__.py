"""The parts of a report: each measures, draws and contributes."""
