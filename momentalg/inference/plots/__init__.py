"""Pictures of a fit, one file each: a module with a constant PLOT is found by `fit.plot`, and named in its errors."""
