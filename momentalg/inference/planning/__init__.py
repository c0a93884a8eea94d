"""Planning: standard errors of designs that are not there yet, and the cheapest design that reaches a target."""
