-- Aggregates over prices and returns. Where a state is made of exact sums, workers may share a group
-- and a row leaves a moving frame exactly as it came, so that a frame of any length costs the same;
-- where the order of rows decides, a state is one worker's. SSPACE is what a state takes of memory:
-- an exact sum has some eight limbs of sixteen bytes.

-- Averages

create aggregate loan_engine.moving_average(value double precision) (
    sfunc = loan_engine._average_transition,
    stype = internal,
    sspace = 384,
    finalfunc = loan_engine._moving_average_final,
    combinefunc = loan_engine._average_combine,
    serialfunc = loan_engine._average_serial,
    deserialfunc = loan_engine._average_deserial,
    msfunc = loan_engine._average_transition,
    minvfunc = loan_engine._average_inverse,
    mstype = internal,
    msspace = 384,
    mfinalfunc = loan_engine._moving_average_final,
    parallel = safe
);
comment on aggregate loan_engine.moving_average(double precision) is
'The mean of the frame, rounded once: over (order by … rows 19 preceding) of twenty rows, over (order by … range interval ''30 days'' preceding) of thirty-one days. Rows come and go exactly, whatever the length of the frame. NULL for a frame without values; error 22003 for NaN and infinities.';

create aggregate loan_engine.moving_deviation(value double precision) (
    sfunc = loan_engine._average_transition,
    stype = internal,
    sspace = 384,
    finalfunc = loan_engine._moving_deviation_final,
    combinefunc = loan_engine._average_combine,
    serialfunc = loan_engine._average_serial,
    deserialfunc = loan_engine._average_deserial,
    msfunc = loan_engine._average_transition,
    minvfunc = loan_engine._average_inverse,
    mstype = internal,
    msspace = 384,
    mfinalfunc = loan_engine._moving_deviation_final,
    parallel = safe
);
comment on aggregate loan_engine.moving_deviation(double precision) is
'The standard deviation of the frame as a sample (divided by rows less one), rounded once from exact sums, so that values far from zero keep their digits. NULL with fewer than two values.';

create aggregate loan_engine.bollinger_lower(value double precision) (
    sfunc = loan_engine._average_transition,
    stype = internal,
    sspace = 384,
    finalfunc = loan_engine._bollinger_lower_final,
    combinefunc = loan_engine._average_combine,
    serialfunc = loan_engine._average_serial,
    deserialfunc = loan_engine._average_deserial,
    msfunc = loan_engine._average_transition,
    minvfunc = loan_engine._average_inverse,
    mstype = internal,
    msspace = 384,
    mfinalfunc = loan_engine._bollinger_lower_final,
    parallel = safe
);
comment on aggregate loan_engine.bollinger_lower(double precision) is
'The lower band of Bollinger: the mean of the frame less two standard deviations of the population; over (order by … rows 19 preceding) is customary.';

create aggregate loan_engine.bollinger_lower(value double precision, deviations double precision) (
    sfunc = loan_engine._band_transition,
    stype = internal,
    sspace = 384,
    finalfunc = loan_engine._bollinger_lower_final,
    combinefunc = loan_engine._average_combine,
    serialfunc = loan_engine._average_serial,
    deserialfunc = loan_engine._average_deserial,
    msfunc = loan_engine._band_transition,
    minvfunc = loan_engine._band_inverse,
    mstype = internal,
    msspace = 384,
    mfinalfunc = loan_engine._bollinger_lower_final,
    parallel = safe
);
comment on aggregate loan_engine.bollinger_lower(double precision, double precision) is
'The lower band of Bollinger: the mean of the frame less so many standard deviations of the population. Error 22023 for a number below zero, or that is not the same for all rows.';

create aggregate loan_engine.bollinger_upper(value double precision) (
    sfunc = loan_engine._average_transition,
    stype = internal,
    sspace = 384,
    finalfunc = loan_engine._bollinger_upper_final,
    combinefunc = loan_engine._average_combine,
    serialfunc = loan_engine._average_serial,
    deserialfunc = loan_engine._average_deserial,
    msfunc = loan_engine._average_transition,
    minvfunc = loan_engine._average_inverse,
    mstype = internal,
    msspace = 384,
    mfinalfunc = loan_engine._bollinger_upper_final,
    parallel = safe
);
comment on aggregate loan_engine.bollinger_upper(double precision) is
'The upper band of Bollinger: the mean of the frame plus two standard deviations of the population; over (order by … rows 19 preceding) is customary.';

create aggregate loan_engine.bollinger_upper(value double precision, deviations double precision) (
    sfunc = loan_engine._band_transition,
    stype = internal,
    sspace = 384,
    finalfunc = loan_engine._bollinger_upper_final,
    combinefunc = loan_engine._average_combine,
    serialfunc = loan_engine._average_serial,
    deserialfunc = loan_engine._average_deserial,
    msfunc = loan_engine._band_transition,
    minvfunc = loan_engine._band_inverse,
    mstype = internal,
    msspace = 384,
    mfinalfunc = loan_engine._bollinger_upper_final,
    parallel = safe
);
comment on aggregate loan_engine.bollinger_upper(double precision, double precision) is
'The upper band of Bollinger: the mean of the frame plus so many standard deviations of the population. Error 22023 for a number below zero, or that is not the same for all rows.';

create aggregate loan_engine.weighted_moving_average(value double precision) (
    sfunc = loan_engine._weighted_transition,
    stype = internal,
    sspace = 384,
    finalfunc = loan_engine._weighted_final,
    msfunc = loan_engine._weighted_transition,
    minvfunc = loan_engine._weighted_inverse,
    mstype = internal,
    msspace = 384,
    mfinalfunc = loan_engine._weighted_final,
    parallel = restricted
);
comment on aggregate loan_engine.weighted_moving_average(double precision) is
'The linearly weighted mean of the frame in its order: the oldest value weighs 1, the newest as much as there are values. Rows come and go exactly. Give the order by over (order by …) or in the call.';

create aggregate loan_engine.exponential_moving_average(value double precision, span double precision) (
    sfunc = loan_engine._exponential_transition,
    stype = internal,
    sspace = 64,
    finalfunc = loan_engine._exponential_average_final,
    parallel = restricted
);
comment on aggregate loan_engine.exponential_moving_average(double precision, double precision) is
'The exponential moving average in the order of rows: the first value, then alpha x value + (1 - alpha) x average with alpha = 2 / (span + 1). Give the order by over (order by …) or in the call. Error 22023 for a span that is not from 1 to 1,000,000.';

create aggregate loan_engine.exponential_moving_deviation(value double precision, span double precision) (
    sfunc = loan_engine._exponential_transition,
    stype = internal,
    sspace = 64,
    finalfunc = loan_engine._exponential_deviation_final,
    parallel = restricted
);
comment on aggregate loan_engine.exponential_moving_deviation(double precision, double precision) is
'The standard deviation from the exponential moving average under the same weights, without correction for their bias (ewm(adjust=False).std(bias=True) of pandas).';

-- Volatility

create aggregate loan_engine.sample_volatility(log_return double precision) (
    sfunc = loan_engine._return_transition,
    stype = internal,
    sspace = 384,
    finalfunc = loan_engine._sample_volatility_final,
    combinefunc = loan_engine._return_combine,
    serialfunc = loan_engine._return_serial,
    deserialfunc = loan_engine._return_deserial,
    msfunc = loan_engine._return_transition,
    minvfunc = loan_engine._return_inverse,
    mstype = internal,
    msspace = 384,
    mfinalfunc = loan_engine._sample_volatility_final,
    parallel = safe
);
comment on aggregate loan_engine.sample_volatility(double precision) is
'Volatility a year of daily returns: their standard deviation as a sample x root of 252 trading days. NULL with fewer than two returns; error 22003 for NaN and infinities.';

create aggregate loan_engine.sample_volatility(log_return double precision, periods_per_year double precision) (
    sfunc = loan_engine._annual_return_transition,
    stype = internal,
    sspace = 384,
    finalfunc = loan_engine._sample_volatility_final,
    combinefunc = loan_engine._return_combine,
    serialfunc = loan_engine._return_serial,
    deserialfunc = loan_engine._return_deserial,
    msfunc = loan_engine._annual_return_transition,
    minvfunc = loan_engine._annual_return_inverse,
    mstype = internal,
    msspace = 384,
    mfinalfunc = loan_engine._sample_volatility_final,
    parallel = safe
);
comment on aggregate loan_engine.sample_volatility(double precision, double precision) is
'Volatility a year: the standard deviation of returns as a sample x root of the periods in a year, such as 252 trading days, 365 days, 52 weeks or 12 months; 1 for that of a period.';

create aggregate loan_engine.sample_volatility(log_return double precision, periods_per_year double precision, elapsed double precision) (
    sfunc = loan_engine._spaced_return_transition,
    stype = internal,
    sspace = 576,
    finalfunc = loan_engine._spaced_volatility_final,
    combinefunc = loan_engine._spaced_return_combine,
    serialfunc = loan_engine._spaced_return_serial,
    deserialfunc = loan_engine._spaced_return_deserial,
    msfunc = loan_engine._spaced_return_transition,
    minvfunc = loan_engine._spaced_return_inverse,
    mstype = internal,
    msspace = 576,
    mfinalfunc = loan_engine._spaced_volatility_final,
    parallel = safe
);
comment on aggregate loan_engine.sample_volatility(double precision, double precision, double precision) is
'Volatility a year of returns over stretches of different length, elapsed in periods, so that a missing day is not taken for a quiet one: a period''s variance is the sum of (r - d R / D)^2 / d over n - 1, with R and D the sums of returns r and periods d. The ordinary one where every stretch is 1. Error 22023 for a stretch of zero or less.';

create aggregate loan_engine.zero_mean_volatility(log_return double precision) (
    sfunc = loan_engine._return_transition,
    stype = internal,
    sspace = 384,
    finalfunc = loan_engine._zero_mean_volatility_final,
    combinefunc = loan_engine._return_combine,
    serialfunc = loan_engine._return_serial,
    deserialfunc = loan_engine._return_deserial,
    msfunc = loan_engine._return_transition,
    minvfunc = loan_engine._return_inverse,
    mstype = internal,
    msspace = 384,
    mfinalfunc = loan_engine._zero_mean_volatility_final,
    parallel = safe
);
comment on aggregate loan_engine.zero_mean_volatility(double precision) is
'Volatility a year of daily returns whose mean is taken to be zero: the root of the mean of their squares x 252 trading days.';

create aggregate loan_engine.zero_mean_volatility(log_return double precision, periods_per_year double precision) (
    sfunc = loan_engine._annual_return_transition,
    stype = internal,
    sspace = 384,
    finalfunc = loan_engine._zero_mean_volatility_final,
    combinefunc = loan_engine._return_combine,
    serialfunc = loan_engine._return_serial,
    deserialfunc = loan_engine._return_deserial,
    msfunc = loan_engine._annual_return_transition,
    minvfunc = loan_engine._annual_return_inverse,
    mstype = internal,
    msspace = 384,
    mfinalfunc = loan_engine._zero_mean_volatility_final,
    parallel = safe
);
comment on aggregate loan_engine.zero_mean_volatility(double precision, double precision) is
'Volatility a year of returns whose mean is taken to be zero: the root of the mean of their squares x the periods in a year.';

create aggregate loan_engine.ewma_volatility(log_return double precision) (
    sfunc = loan_engine._ewma_transition,
    stype = internal,
    sspace = 64,
    finalfunc = loan_engine._ewma_volatility_final,
    parallel = restricted
);
comment on aggregate loan_engine.ewma_volatility(double precision) is
'Volatility of the next period by the recursion of RiskMetrics over returns in order: variance = 0.94 x variance + 0.06 x return^2, with a mean of zero, from the square of the first return. Give the order by over (order by …) or in the call. Times the root of 252 for a year.';

create aggregate loan_engine.ewma_volatility(log_return double precision, lambda double precision) (
    sfunc = loan_engine._ewma_lambda_transition,
    stype = internal,
    sspace = 64,
    finalfunc = loan_engine._ewma_volatility_final,
    parallel = restricted
);
comment on aggregate loan_engine.ewma_volatility(double precision, double precision) is
'Volatility of the next period by the recursion of RiskMetrics with a decay factor of its own, such as 0.97 for monthly returns. Error 22023 for one that is not between 0 and 1.';

create aggregate loan_engine.ewma_volatility(log_return double precision, lambda double precision, initial_variance double precision) (
    sfunc = loan_engine._ewma_seeded_transition,
    stype = internal,
    sspace = 64,
    finalfunc = loan_engine._ewma_volatility_final,
    parallel = restricted
);
comment on aggregate loan_engine.ewma_volatility(double precision, double precision, double precision) is
'Volatility of the next period by the recursion of RiskMetrics, from a given variance of the first period rather than from the square of the first return.';

create aggregate loan_engine.age_weighted_volatility(log_return double precision, age integer) (
    sfunc = loan_engine._age_weighted_transition,
    stype = internal,
    sspace = 384,
    finalfunc = loan_engine._age_weighted_final,
    combinefunc = loan_engine._age_weighted_combine,
    serialfunc = loan_engine._age_weighted_serial,
    deserialfunc = loan_engine._age_weighted_deserial,
    parallel = safe
);
comment on aggregate loan_engine.age_weighted_volatility(double precision, integer) is
'Volatility of the next period from returns weighted by their age, 0 for the newest: the root of the sum of 0.94^age x return^2 over the sum of 0.94^age. Each row says its age, so that their order does not matter and workers share a group. NULL where all are too old to have a weight; error 22023 for a negative age.';

create aggregate loan_engine.age_weighted_volatility(log_return double precision, age integer, lambda double precision) (
    sfunc = loan_engine._age_weighted_lambda_transition,
    stype = internal,
    sspace = 384,
    finalfunc = loan_engine._age_weighted_final,
    combinefunc = loan_engine._age_weighted_combine,
    serialfunc = loan_engine._age_weighted_serial,
    deserialfunc = loan_engine._age_weighted_deserial,
    parallel = safe
);
comment on aggregate loan_engine.age_weighted_volatility(double precision, integer, double precision) is
'Volatility of the next period from returns weighted by lambda^age, whatever their order. Error 22023 for a decay factor that is not between 0 and 1.';

create aggregate loan_engine.skewness(value double precision) (
    sfunc = loan_engine._shape_transition,
    stype = internal,
    sspace = 40,
    finalfunc = loan_engine._skewness_final,
    combinefunc = loan_engine._shape_combine,
    serialfunc = loan_engine._shape_serial,
    deserialfunc = loan_engine._shape_deserial,
    parallel = safe
);
comment on aggregate loan_engine.skewness(double precision) is
'The skewness of a sample, G1, as spreadsheets and pandas have it. NULL with fewer than three values or where they do not vary. Its last digits follow the order of rows.';

create aggregate loan_engine.excess_kurtosis(value double precision) (
    sfunc = loan_engine._shape_transition,
    stype = internal,
    sspace = 40,
    finalfunc = loan_engine._excess_kurtosis_final,
    combinefunc = loan_engine._shape_combine,
    serialfunc = loan_engine._shape_serial,
    deserialfunc = loan_engine._shape_deserial,
    parallel = safe
);
comment on aggregate loan_engine.excess_kurtosis(double precision) is
'The kurtosis of a sample less that of the normal distribution, G2. NULL with fewer than four values or where they do not vary.';

create aggregate loan_engine.population_skewness(value double precision) (
    sfunc = loan_engine._shape_transition,
    stype = internal,
    sspace = 40,
    finalfunc = loan_engine._population_skewness_final,
    combinefunc = loan_engine._shape_combine,
    serialfunc = loan_engine._shape_serial,
    deserialfunc = loan_engine._shape_deserial,
    parallel = safe
);
comment on aggregate loan_engine.population_skewness(double precision) is
'The skewness of a population, g1: the third central moment over the standard deviation cubed.';

create aggregate loan_engine.population_excess_kurtosis(value double precision) (
    sfunc = loan_engine._shape_transition,
    stype = internal,
    sspace = 40,
    finalfunc = loan_engine._population_excess_kurtosis_final,
    combinefunc = loan_engine._shape_combine,
    serialfunc = loan_engine._shape_serial,
    deserialfunc = loan_engine._shape_deserial,
    parallel = safe
);
comment on aggregate loan_engine.population_excess_kurtosis(double precision) is
'The kurtosis of a population less 3, g2: the fourth central moment over the squared variance.';

-- Drawdown and deltas

create aggregate loan_engine.maximum_drawdown(price double precision) (
    sfunc = loan_engine._drawdown_transition,
    stype = internal,
    sspace = 112,
    finalfunc = loan_engine._maximum_drawdown_final,
    msfunc = loan_engine._moving_drawdown_transition,
    minvfunc = loan_engine._moving_drawdown_inverse,
    mstype = internal,
    msspace = 16384,
    mfinalfunc = loan_engine._maximum_drawdown_final,
    parallel = restricted
);
comment on aggregate loan_engine.maximum_drawdown(double precision) is
'The deepest fall of prices in order from a peak, as a fraction of the peak: zero, or a negative number. Give the order by over (order by …) or in the call. In a moving frame a row costs the same whatever its length. Error 22023 for a price of zero or less.';

create aggregate loan_engine.current_drawdown(price double precision) (
    sfunc = loan_engine._drawdown_transition,
    stype = internal,
    sspace = 112,
    finalfunc = loan_engine._current_drawdown_final,
    msfunc = loan_engine._moving_drawdown_transition,
    minvfunc = loan_engine._moving_drawdown_inverse,
    mstype = internal,
    msspace = 16384,
    mfinalfunc = loan_engine._current_drawdown_final,
    parallel = restricted
);
comment on aggregate loan_engine.current_drawdown(double precision) is
'The last price against the highest of the frame: zero, or a negative fraction of it.';

create aggregate loan_engine.maximum_drawdown_peak(price double precision, on_date date) (
    sfunc = loan_engine._dated_drawdown_transition,
    stype = internal,
    sspace = 112,
    finalfunc = loan_engine._drawdown_peak_final,
    msfunc = loan_engine._moving_dated_drawdown_transition,
    minvfunc = loan_engine._moving_dated_drawdown_inverse,
    mstype = internal,
    msspace = 16384,
    mfinalfunc = loan_engine._drawdown_peak_final,
    parallel = restricted
);
comment on aggregate loan_engine.maximum_drawdown_peak(double precision, date) is
'When the deepest fall began: the last day at the peak. NULL where prices never fell; error 22023 for rows that are not in order of date.';

create aggregate loan_engine.maximum_drawdown_trough(price double precision, on_date date) (
    sfunc = loan_engine._dated_drawdown_transition,
    stype = internal,
    sspace = 112,
    finalfunc = loan_engine._drawdown_trough_final,
    msfunc = loan_engine._moving_dated_drawdown_transition,
    minvfunc = loan_engine._moving_dated_drawdown_inverse,
    mstype = internal,
    msspace = 16384,
    mfinalfunc = loan_engine._drawdown_trough_final,
    parallel = restricted
);
comment on aggregate loan_engine.maximum_drawdown_trough(double precision, date) is
'When the deepest fall ended: the first day at its lowest. NULL where prices never fell; error 22023 for rows that are not in order of date.';

create aggregate loan_engine.price_delta(price double precision, on_date date, days integer) (
    sfunc = loan_engine._days_back_transition,
    stype = internal,
    sspace = 1024,
    finalfunc = loan_engine._price_delta_final,
    parallel = restricted
);
comment on aggregate loan_engine.price_delta(double precision, date, integer) is
'The last price less the price so many days before it: the last one quoted on or before that day. NULL where there is none so old; error 22023 for rows that are not in order of date, or days that are not from 1 to 36,525. Over a frame that begins with the first row.';

create aggregate loan_engine.price_change(price double precision, on_date date, days integer) (
    sfunc = loan_engine._days_back_transition,
    stype = internal,
    sspace = 1024,
    finalfunc = loan_engine._price_change_final,
    parallel = restricted
);
comment on aggregate loan_engine.price_change(double precision, date, integer) is
'The last price against the price so many days before it, as a fraction: the simple return over those days. Otherwise as price_delta.';

-- Trends and percentiles

create aggregate loan_engine.regression_slope(y double precision, x double precision) (
    sfunc = loan_engine._regression_transition,
    stype = internal,
    sspace = 960,
    finalfunc = loan_engine._regression_slope_final,
    combinefunc = loan_engine._regression_combine,
    serialfunc = loan_engine._regression_serial,
    deserialfunc = loan_engine._regression_deserial,
    msfunc = loan_engine._regression_transition,
    minvfunc = loan_engine._regression_inverse,
    mstype = internal,
    msspace = 960,
    mfinalfunc = loan_engine._regression_slope_final,
    parallel = safe
);
comment on aggregate loan_engine.regression_slope(double precision, double precision) is
'What y gains where x gains one, by least squares from exact sums. NULL without points or where all have one x.';

create aggregate loan_engine.regression_intercept(y double precision, x double precision) (
    sfunc = loan_engine._regression_transition,
    stype = internal,
    sspace = 960,
    finalfunc = loan_engine._regression_intercept_final,
    combinefunc = loan_engine._regression_combine,
    serialfunc = loan_engine._regression_serial,
    deserialfunc = loan_engine._regression_deserial,
    msfunc = loan_engine._regression_transition,
    minvfunc = loan_engine._regression_inverse,
    mstype = internal,
    msspace = 960,
    mfinalfunc = loan_engine._regression_intercept_final,
    parallel = safe
);
comment on aggregate loan_engine.regression_intercept(double precision, double precision) is
'The value of the line where x is zero.';

create aggregate loan_engine.regression_r2(y double precision, x double precision) (
    sfunc = loan_engine._regression_transition,
    stype = internal,
    sspace = 960,
    finalfunc = loan_engine._regression_r2_final,
    combinefunc = loan_engine._regression_combine,
    serialfunc = loan_engine._regression_serial,
    deserialfunc = loan_engine._regression_deserial,
    msfunc = loan_engine._regression_transition,
    minvfunc = loan_engine._regression_inverse,
    mstype = internal,
    msspace = 960,
    mfinalfunc = loan_engine._regression_r2_final,
    parallel = safe
);
comment on aggregate loan_engine.regression_r2(double precision, double precision) is
'The part of the variance of y that the line explains, from 0 to 1; 1 where y does not vary.';

create aggregate loan_engine.regression_residual_deviation(y double precision, x double precision) (
    sfunc = loan_engine._regression_transition,
    stype = internal,
    sspace = 960,
    finalfunc = loan_engine._regression_residual_final,
    combinefunc = loan_engine._regression_combine,
    serialfunc = loan_engine._regression_serial,
    deserialfunc = loan_engine._regression_deserial,
    msfunc = loan_engine._regression_transition,
    minvfunc = loan_engine._regression_inverse,
    mstype = internal,
    msspace = 960,
    mfinalfunc = loan_engine._regression_residual_final,
    parallel = safe
);
comment on aggregate loan_engine.regression_residual_deviation(double precision, double precision) is
'The standard error of the regression: the root of the squared distances of y from the line over the points less two. NULL with fewer than three points.';

create aggregate loan_engine.percentile(value double precision, fraction double precision) (
    sfunc = loan_engine._percentile_transition,
    stype = internal,
    sspace = 8192,
    finalfunc = loan_engine._percentile_final,
    combinefunc = loan_engine._percentile_combine,
    serialfunc = loan_engine._percentile_serial,
    deserialfunc = loan_engine._percentile_deserial,
    msfunc = loan_engine._percentile_transition,
    minvfunc = loan_engine._percentile_inverse,
    mstype = internal,
    msspace = 8192,
    mfinalfunc = loan_engine._percentile_final,
    parallel = safe
);
comment on aggregate loan_engine.percentile(double precision, double precision) is
'The value at a fraction of the frame, between two values in proportion (type 7 of Hyndman and Fan, as percentile_cont), which moves with a frame as percentile_cont cannot. NULL without values; error 22023 for a fraction that is not from 0 to 1, or more than 10,000,000 values.';

create aggregate loan_engine.discrete_percentile(value double precision, fraction double precision) (
    sfunc = loan_engine._percentile_transition,
    stype = internal,
    sspace = 8192,
    finalfunc = loan_engine._discrete_percentile_final,
    combinefunc = loan_engine._percentile_combine,
    serialfunc = loan_engine._percentile_serial,
    deserialfunc = loan_engine._percentile_deserial,
    msfunc = loan_engine._percentile_transition,
    minvfunc = loan_engine._percentile_inverse,
    mstype = internal,
    msspace = 8192,
    mfinalfunc = loan_engine._discrete_percentile_final,
    parallel = safe
);
comment on aggregate loan_engine.discrete_percentile(double precision, double precision) is
'The first value whose share of the frame is the fraction or more (type 1, as percentile_disc). A fraction such as 1 - 0.99, which is a little more than a hundredth in binary, is taken for a hundredth.';
