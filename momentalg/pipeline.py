"""The stages of momentalg, with what goes in and what comes out. This page is the architecture document.

Every object is immutable, and every stage is a function of its input alone::

    formula or terms   -> Model, ResolvedModel   model.model.Model        checked and named; facts of the data join it
    ResolvedModel      -> statistics             statistics.family        named polynomials in the response, one a file
    statistics         -> Polynomial             cumulants.identity       canonical form: cells, entries, design totals
    the same, asked of -> Derivation             derive.engine.derive     the steps a person writes, by laws of rules/
    statistics         -> MomentSystem           moments.system           expectations, linear in the parameters; rank
    MomentSystem       -> Solution               moments.solution         closed forms where small, else numerical
    Solution           -> EstimatorIR            lower.estimator.lower    what is accumulated and computed, no language
    EstimatorIR        -> source                 emit.backend.estimator   a standalone module, of NumPy or of numba
    EstimatorIR        -> SqlProgram             emit.sql.generate        the sums as queries, for a database to run
    paths              -> DataFiles              data.files.datafiles     opened and compared, then read in pieces
    frame              -> columns                data.columns             needed columns of any frame, checked, counted
    data, source       -> Part                   data.engines.engine      an engine accumulates: one pass over the rows
    DataFiles          -> Sums                   inference.runs.run       piece by piece, interrupted and resumed
    Part, Sums         -> Sums, FitResult        inference.fit            sums of parts of the data add; solve finishes
    Sums               -> a file                 inference.saved_sums     documented, versioned; loaded to the last bit
    FitResult          -> errors, effects, ...   inference.result         covariance, intervals, BLUPs by the same sums
    Sums by cells      -> Resamples              inference.resampling     levels drawn from tables; solve, many times
    model, parameters  -> SimulationCheck        check.simulation.check   estimates of simulated data beside the truth
    all of the above   -> a document             emit.report              HTML, LaTeX, Markdown; views, no arithmetic

`ResolvedModel` (factors, levels, nestedness, facts) is all that the algebra sees of a model, and statistics name
factors and carry no model. A user meets the stages as methods: ``model.var``, ``model.moment_equations``,
``system.solve``, ``system.estimator``, ``model.fit``, ``model.check``, ``model.report``. The command line (cli/) and
the demo are thin doors to the same methods.

A fit takes two steps: the solution of the moment equations makes the weights of a second (moments.weighting). What the
second computes is plain NumPy in templates/numpy/parts, one file for factors that lie in one another and one for
crossed factors, placed in generated modules as it is; lower.reweighting says what it is given, and lower.exact_weighted
is the second road to it. Whatever is asked of a fit, `inference` asks of its module and its sums; its pictures are in
inference/plots, one file each.

Data of any size are one pass. The representation says what is accumulated, in tables by the labels of levels; a
*backend* is a language that it is generated in, numpy, numba or sql; an *engine* is what accumulates: dask, duckdb,
numba, numpy, polars, spark or sql. The built-in engines, numpy and numba, run the generated module on columns in
memory; lazy frames are grouped by their own engine (data.lazy), and databases run the queries (data.queries). All give
the same tables, about a shift, with labels of the same kinds (data.labels), and refuse data in the same words
(data.refusals): sums of any two engines add, and the generated module solves them.

The layers, in the order in which they may import each other at module level (earlier ones only): errors,
catalogue, expr, model, statistics, cumulants, rules, derive, moments, lower, data, emit, inference, check,
pipeline, cli. `tests/test_architecture.py` enforces it, and holds the list of the public methods that hand over
to a later layer inside their body.

Three separations carry the rest:

- `expr/` holds nodes that know no pass. SymPy is reached through few doors, each named in the architecture test.
- `check/` imports nothing from cumulants/, rules/ or derive/: a second road to every number. Besides simulation it
  holds exact enumeration (`check.enumeration`) and the quadratic-form oracle (`check.quadratic`).
- `lower/` knows neither Jinja2 nor NumPy; `emit/` is the only importer of Jinja2; templates compute nothing.
"""
