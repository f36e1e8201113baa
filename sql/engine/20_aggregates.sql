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

-- The state is two decimals, a count and a flag. In a moving frame rows leave exactly, or the
-- inverse gives up and the frame is summed anew.
create aggregate loan_engine.weighted_average(value numeric, weight numeric) (
    sfunc = loan_engine._weighted_average_transition,
    stype = internal,
    sspace = 96,
    finalfunc = loan_engine._weighted_average_final,
    combinefunc = loan_engine._weighted_average_combine,
    serialfunc = loan_engine._weighted_average_serial,
    deserialfunc = loan_engine._weighted_average_deserial,
    msfunc = loan_engine._weighted_average_transition,
    minvfunc = loan_engine._weighted_average_inverse,
    mstype = internal,
    msspace = 96,
    mfinalfunc = loan_engine._weighted_average_final,
    parallel = safe
);

-- Operations are gathered in the order of the aggregate and folded once, in the order of their
-- effect. A state is one loan's, so there is nothing to combine. An operation takes some 300 bytes.
create aggregate loan_engine.loan_state(terms jsonb, operation jsonb) (
    sfunc = loan_engine._loan_state_transition,
    stype = internal,
    sspace = 4096,
    finalfunc = loan_engine._loan_state_final,
    parallel = restricted
);
