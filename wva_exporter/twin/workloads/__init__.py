"""Where requests come from: rates over time, gaps between arrivals, sizes; and recorded traces."""
