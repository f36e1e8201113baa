-- Aggregates over functions that are written in Rust. SSPACE is what a state takes of memory that
-- PostgreSQL cannot see: for lists of flows that of a loan's typical thirty.

create aggregate loan_engine.xirr(amount numeric, on_date date) (
    sfunc = loan_engine._flows_transition,
    stype = internal,
    sspace = 512,
    finalfunc = loan_engine._xirr_final,
    combinefunc = loan_engine._flows_combine,
    serialfunc = loan_engine._flows_serial,
    deserialfunc = loan_engine._flows_deserial,
    parallel = safe
);

create aggregate loan_engine.xnpv(annual_rate numeric, amount numeric, on_date date) (
    sfunc = loan_engine._valued_flows_transition,
    stype = internal,
    sspace = 512,
    finalfunc = loan_engine._xnpv_final,
    combinefunc = loan_engine._flows_combine,
    serialfunc = loan_engine._flows_serial,
    deserialfunc = loan_engine._flows_deserial,
    parallel = safe
);
