-- What the functions over prices are, and those that the aggregates are made of.

comment on function loan_engine.log_return(double precision, double precision) is
'The logarithmic return ln(current / previous), which adds up over time. NULL where a price is; error 22023 for a price of zero or less, 22003 for NaN and infinities.';

comment on function loan_engine.simple_return(double precision, double precision) is
'The simple return current / previous - 1, which adds up over a portfolio. NULL where a price is; error 22023 for a price of zero or less.';

comment on function loan_engine.garch_fit(double precision[], text, boolean) is
'GARCH(1,1) fitted to returns in order by quasi maximum likelihood: variance = omega + (alpha + gamma if the surprise was negative) x surprise^2 + beta x variance, a surprise being the return less mu. distribution is normal or student, of which nu is the degrees of freedom; leverage fits gamma (Glosten, Jagannathan and Runkle 1993). The variance before the first period is the first 75 squared surprises under weights that fade by 0.94, as the Python package arch has it. Parameters and volatilities are a period''s, in the units of the returns; unconditional_volatility is NULL where the persistence is 1. Error 22023 for fewer than 50 or more than 100,000 returns, or returns that do not vary; 22004 for a NULL among them.';

comment on function loan_engine.garch_filter(double precision[], double precision, double precision, double precision, double precision, double precision, double precision) is
'The variances of periods under a GARCH(1,1) model with given parameters, and in the last row the forecast for the period after the last return. initial_variance is that of the first period; without it omega + persistence x the first 75 squared surprises under weights that fade by 0.94.';

comment on function loan_engine.garch_forecast(double precision, double precision, double precision, integer) is
'The variance forecast for a number of periods ahead, 1 for the next: it approaches omega / (1 - persistence). persistence is alpha + gamma / 2 + beta.';

-- Support of aggregates

comment on function loan_engine._age_weighted_combine(internal, internal) is
'Two states of age_weighted_volatility as one.';

comment on function loan_engine._age_weighted_deserial(bytea, internal) is
'The state of age_weighted_volatility from the bytes of another process.';

comment on function loan_engine._age_weighted_final(internal) is
'What an aggregate answers from its state: age weighted.';

comment on function loan_engine._age_weighted_lambda_transition(internal, double precision, integer, double precision) is
'Takes one row into the state of age_weighted_volatility with a decay factor.';

comment on function loan_engine._age_weighted_serial(internal) is
'The state of age_weighted_volatility as bytes for another process.';

comment on function loan_engine._age_weighted_transition(internal, double precision, integer) is
'Takes one row into the state of age_weighted_volatility.';

comment on function loan_engine._annual_return_inverse(internal, double precision, double precision) is
'Takes the oldest row out of the state of volatility with given periods.';

comment on function loan_engine._annual_return_transition(internal, double precision, double precision) is
'Takes one row into the state of volatility with given periods.';

comment on function loan_engine._average_combine(internal, internal) is
'Two states of averages and deviations as one.';

comment on function loan_engine._average_deserial(bytea, internal) is
'The state of averages and deviations from the bytes of another process.';

comment on function loan_engine._average_inverse(internal, double precision) is
'Takes the oldest row out of the state of averages and deviations.';

comment on function loan_engine._average_serial(internal) is
'The state of averages and deviations as bytes for another process.';

comment on function loan_engine._average_transition(internal, double precision) is
'Takes one row into the state of averages and deviations.';

comment on function loan_engine._band_inverse(internal, double precision, double precision) is
'Takes the oldest row out of the state of bands of a given width.';

comment on function loan_engine._band_transition(internal, double precision, double precision) is
'Takes one row into the state of bands of a given width.';

comment on function loan_engine._bollinger_lower_final(internal) is
'What an aggregate answers from its state: bollinger lower.';

comment on function loan_engine._bollinger_upper_final(internal) is
'What an aggregate answers from its state: bollinger upper.';

comment on function loan_engine._current_drawdown_final(internal) is
'What an aggregate answers from its state: current drawdown.';

comment on function loan_engine._dated_drawdown_transition(internal, double precision, date) is
'Takes one row into the state of the dates of a drawdown.';

comment on function loan_engine._days_back_transition(internal, double precision, date, integer) is
'Takes one row into the state of what a price gained over days.';

comment on function loan_engine._discrete_percentile_final(internal) is
'What an aggregate answers from its state: discrete percentile.';

comment on function loan_engine._drawdown_peak_final(internal) is
'What an aggregate answers from its state: drawdown peak.';

comment on function loan_engine._drawdown_transition(internal, double precision) is
'Takes one row into the state of drawdown.';

comment on function loan_engine._drawdown_trough_final(internal) is
'What an aggregate answers from its state: drawdown trough.';

comment on function loan_engine._ewma_lambda_transition(internal, double precision, double precision) is
'Takes one row into the state of ewma_volatility with a decay factor.';

comment on function loan_engine._ewma_seeded_transition(internal, double precision, double precision, double precision) is
'Takes one row into the state of ewma_volatility with an initial variance.';

comment on function loan_engine._ewma_transition(internal, double precision) is
'Takes one row into the state of ewma_volatility.';

comment on function loan_engine._ewma_volatility_final(internal) is
'What an aggregate answers from its state: ewma volatility.';

comment on function loan_engine._excess_kurtosis_final(internal) is
'What an aggregate answers from its state: excess kurtosis.';

comment on function loan_engine._exponential_average_final(internal) is
'What an aggregate answers from its state: exponential average.';

comment on function loan_engine._exponential_deviation_final(internal) is
'What an aggregate answers from its state: exponential deviation.';

comment on function loan_engine._exponential_transition(internal, double precision, double precision) is
'Takes one row into the state of exponential averages.';

comment on function loan_engine._maximum_drawdown_final(internal) is
'What an aggregate answers from its state: maximum drawdown.';

comment on function loan_engine._moving_average_final(internal) is
'What an aggregate answers from its state: moving average.';

comment on function loan_engine._moving_dated_drawdown_inverse(internal, double precision, date) is
'Takes the oldest row out of the state of the dates of a drawdown in a moving frame.';

comment on function loan_engine._moving_dated_drawdown_transition(internal, double precision, date) is
'Takes one row into the state of the dates of a drawdown in a moving frame.';

comment on function loan_engine._moving_deviation_final(internal) is
'What an aggregate answers from its state: moving deviation.';

comment on function loan_engine._moving_drawdown_inverse(internal, double precision) is
'Takes the oldest row out of the state of drawdown in a moving frame.';

comment on function loan_engine._moving_drawdown_transition(internal, double precision) is
'Takes one row into the state of drawdown in a moving frame.';

comment on function loan_engine._percentile_combine(internal, internal) is
'Two states of percentiles as one.';

comment on function loan_engine._percentile_deserial(bytea, internal) is
'The state of percentiles from the bytes of another process.';

comment on function loan_engine._percentile_final(internal) is
'What an aggregate answers from its state: percentile.';

comment on function loan_engine._percentile_inverse(internal, double precision, double precision) is
'Takes the oldest row out of the state of percentiles.';

comment on function loan_engine._percentile_serial(internal) is
'The state of percentiles as bytes for another process.';

comment on function loan_engine._percentile_transition(internal, double precision, double precision) is
'Takes one row into the state of percentiles.';

comment on function loan_engine._population_excess_kurtosis_final(internal) is
'What an aggregate answers from its state: population excess kurtosis.';

comment on function loan_engine._population_skewness_final(internal) is
'What an aggregate answers from its state: population skewness.';

comment on function loan_engine._price_change_final(internal) is
'What an aggregate answers from its state: price change.';

comment on function loan_engine._price_delta_final(internal) is
'What an aggregate answers from its state: price delta.';

comment on function loan_engine._regression_combine(internal, internal) is
'Two states of a regression as one.';

comment on function loan_engine._regression_deserial(bytea, internal) is
'The state of a regression from the bytes of another process.';

comment on function loan_engine._regression_intercept_final(internal) is
'What an aggregate answers from its state: regression intercept.';

comment on function loan_engine._regression_inverse(internal, double precision, double precision) is
'Takes the oldest row out of the state of a regression.';

comment on function loan_engine._regression_r2_final(internal) is
'What an aggregate answers from its state: regression r2.';

comment on function loan_engine._regression_residual_final(internal) is
'What an aggregate answers from its state: regression residual.';

comment on function loan_engine._regression_serial(internal) is
'The state of a regression as bytes for another process.';

comment on function loan_engine._regression_slope_final(internal) is
'What an aggregate answers from its state: regression slope.';

comment on function loan_engine._regression_transition(internal, double precision, double precision) is
'Takes one row into the state of a regression.';

comment on function loan_engine._return_combine(internal, internal) is
'Two states of volatility as one.';

comment on function loan_engine._return_deserial(bytea, internal) is
'The state of volatility from the bytes of another process.';

comment on function loan_engine._return_inverse(internal, double precision) is
'Takes the oldest row out of the state of volatility.';

comment on function loan_engine._return_serial(internal) is
'The state of volatility as bytes for another process.';

comment on function loan_engine._return_transition(internal, double precision) is
'Takes one row into the state of volatility.';

comment on function loan_engine._sample_volatility_final(internal) is
'What an aggregate answers from its state: sample volatility.';

comment on function loan_engine._shape_combine(internal, internal) is
'Two states of skewness and kurtosis as one.';

comment on function loan_engine._shape_deserial(bytea, internal) is
'The state of skewness and kurtosis from the bytes of another process.';

comment on function loan_engine._shape_serial(internal) is
'The state of skewness and kurtosis as bytes for another process.';

comment on function loan_engine._shape_transition(internal, double precision) is
'Takes one row into the state of skewness and kurtosis.';

comment on function loan_engine._skewness_final(internal) is
'What an aggregate answers from its state: skewness.';

comment on function loan_engine._spaced_return_combine(internal, internal) is
'Two states of volatility over uneven stretches as one.';

comment on function loan_engine._spaced_return_deserial(bytea, internal) is
'The state of volatility over uneven stretches from the bytes of another process.';

comment on function loan_engine._spaced_return_inverse(internal, double precision, double precision, double precision) is
'Takes the oldest row out of the state of volatility over uneven stretches.';

comment on function loan_engine._spaced_return_serial(internal) is
'The state of volatility over uneven stretches as bytes for another process.';

comment on function loan_engine._spaced_return_transition(internal, double precision, double precision, double precision) is
'Takes one row into the state of volatility over uneven stretches.';

comment on function loan_engine._spaced_volatility_final(internal) is
'What an aggregate answers from its state: spaced volatility.';

comment on function loan_engine._weighted_final(internal) is
'What an aggregate answers from its state: weighted.';

comment on function loan_engine._weighted_inverse(internal, double precision) is
'Takes the oldest row out of the state of weighted_moving_average.';

comment on function loan_engine._weighted_transition(internal, double precision) is
'Takes one row into the state of weighted_moving_average.';

comment on function loan_engine._zero_mean_volatility_final(internal) is
'What an aggregate answers from its state: zero mean volatility.';
