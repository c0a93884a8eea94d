"""The stages of momentalg, with what goes in and what comes out. This page is the architecture document.

Every object is immutable, and every stage is a function of its input alone::

    Model + schema of the data, if any        model/        a formula or term objects, checked and named
        -> ResolvedModel                      model/        factors, levels, nestedness, facts: what the algebra sees
    ResolvedModel + Statistic                 statistics/   named polynomials in the response, one a file
        -> canonical form                     cumulants/    cells, entries, the core identity, design totals, cost class
        -> Derivation                         derive/       the steps a person would write, each by a law of rules/
        -> MomentSystem                       moments/      expected statistics, linear in the parameters; rank
        -> Solution                           moments/      closed forms where small, or the reason why there is none
        -> EstimatorIR                        lower/        what is accumulated, combined and computed, in no language
        -> source                             emit/         a standalone NumPy module, LaTeX, HTML, Markdown
    data + EstimatorIR -> sums                data/         one pass over frames of any kind; sums merge
    sums + source -> fit                      inference/    estimates, their names, their tables
    all of the above -> SimulationCheck       check/        exact enumeration, quadratic forms, simulation

The layers, in the order in which they may import each other at module level (earlier ones only): errors,
catalogue, expr, model, statistics, cumulants, rules, derive, moments, lower, data, emit, inference, check,
pipeline, cli. `tests/test_architecture.py` enforces it, and holds the list of the public methods that hand over
to a later layer inside their body.

Three separations carry the rest:

- `expr/` holds nodes that know no pass. SymPy is reached through few doors, each named in the architecture test.
- `check/` imports nothing from cumulants/, rules/ or derive/: a second road to every number.
- `lower/` knows neither Jinja2 nor NumPy; `emit/` is the only importer of Jinja2; templates compute nothing.
"""
