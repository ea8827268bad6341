"""Mail: who gets what, through real servers, and never twice."""
