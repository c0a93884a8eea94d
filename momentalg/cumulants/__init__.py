"""The algebra: one identity and one normal form that carry every moment of the stated class.

terms        what a statistic is: sums over observations and levels
translate    from the nodes that a user writes to terms
partitions   set partitions, connected and counted
identity     the core identity: joint cumulants given the design
choices      what a block of draws may be: a mean, a shared effect, a residual
normal_form  sums over the design, reduced so that equal things are equal
polynomial   results: dictionaries from monomials to Fractions
random_view  one more application of the total laws, over the design itself
unit_sums    sums over i.i.d. units, and over what is nested in them
incidence    random designs of crossed factors, by which levels and observations coincide
display      from results back to nodes
evaluate     the numbers that a result takes on a design
cost         what a design total costs to compute
"""
