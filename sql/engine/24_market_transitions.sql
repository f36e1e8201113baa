-- Transition functions over prices, declared by hand, under the file they are written in:
-- the server calls them without a wrapper, as a row costs them a few nanoseconds.

-- src/api/market/averages.rs
create function loan_engine._average_transition(internal, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_average_transition';
create function loan_engine._average_inverse(internal, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_average_inverse';
create function loan_engine._band_transition(internal, double precision, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_band_transition';
create function loan_engine._band_inverse(internal, double precision, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_band_inverse';
create function loan_engine._weighted_transition(internal, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_weighted_transition';
create function loan_engine._weighted_inverse(internal, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_weighted_inverse';
create function loan_engine._exponential_transition(internal, double precision, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_exponential_transition';

-- src/api/market/delta.rs
create function loan_engine._days_back_transition(internal, double precision, date, integer) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_days_back_transition';

-- src/api/market/drawdown.rs
create function loan_engine._drawdown_transition(internal, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_drawdown_transition';
create function loan_engine._moving_drawdown_transition(internal, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_moving_drawdown_transition';
create function loan_engine._moving_drawdown_inverse(internal, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_moving_drawdown_inverse';
create function loan_engine._dated_drawdown_transition(internal, double precision, date) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_dated_drawdown_transition';
create function loan_engine._moving_dated_drawdown_transition(internal, double precision, date) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_moving_dated_drawdown_transition';
create function loan_engine._moving_dated_drawdown_inverse(internal, double precision, date) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_moving_dated_drawdown_inverse';

-- src/api/market/percentile.rs
create function loan_engine._percentile_transition(internal, double precision, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_percentile_transition';
create function loan_engine._percentile_inverse(internal, double precision, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_percentile_inverse';

-- src/api/market/regression.rs
create function loan_engine._regression_transition(internal, double precision, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_regression_transition';
create function loan_engine._regression_inverse(internal, double precision, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_regression_inverse';

-- src/api/market/shape.rs
create function loan_engine._shape_transition(internal, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_shape_transition';

-- src/api/market/volatility.rs
create function loan_engine._return_transition(internal, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_return_transition';
create function loan_engine._return_inverse(internal, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_return_inverse';
create function loan_engine._annual_return_transition(internal, double precision, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_annual_return_transition';
create function loan_engine._annual_return_inverse(internal, double precision, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_annual_return_inverse';
create function loan_engine._spaced_return_transition(internal, double precision, double precision, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_spaced_return_transition';
create function loan_engine._spaced_return_inverse(internal, double precision, double precision, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_spaced_return_inverse';
create function loan_engine._ewma_transition(internal, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_ewma_transition';
create function loan_engine._ewma_lambda_transition(internal, double precision, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_ewma_lambda_transition';
create function loan_engine._ewma_seeded_transition(internal, double precision, double precision, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_ewma_seeded_transition';
create function loan_engine._age_weighted_transition(internal, double precision, integer) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_age_weighted_transition';
create function loan_engine._age_weighted_lambda_transition(internal, double precision, integer, double precision) returns internal
    language c immutable parallel safe as 'MODULE_PATHNAME', '_age_weighted_lambda_transition';
