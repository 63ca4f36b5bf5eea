"""From a Plan to what others read: series, JSON, a page, and the server that hands them out. Computes no decision."""
