//! A lender's whole book inside PostgreSQL.
//!
//! `domain` is the arithmetic, pure and usable as a library without a server; `pg` is the only
//! unsafe code; `api` is what SQL sees, file for file as `domain`; `net` fetches what is elsewhere.

pub mod domain;
#[cfg(feature = "net")]
pub mod net;

#[cfg(feature = "pg")]
mod api;
#[cfg(feature = "pg")]
mod book;
#[cfg(feature = "pg")]
mod pg;

#[cfg(feature = "pg")]
pgrx::pg_module_magic!(name, version);

#[cfg(feature = "pg")]
mod sql {
    use pgrx::extension_sql_file;

    extension_sql_file!(
        "../sql/engine/20_aggregates.sql",
        requires = [
            _flows_transition,
            _valued_flows_transition,
            _flows_combine,
            _flows_serial,
            _flows_deserial,
            _xirr_final,
            _xnpv_final,
            _weighted_average_transition,
            _weighted_average_inverse,
            _weighted_average_combine,
            _weighted_average_serial,
            _weighted_average_deserial,
            _weighted_average_final
        ]
    );
    extension_sql_file!("../sql/engine/24_market_transitions.sql", name = "market_transitions");
    extension_sql_file!(
        "../sql/engine/25_market.sql",
        name = "market",
        requires = [
            "market_transitions",
            _age_weighted_combine,
            _age_weighted_deserial,
            _age_weighted_final,
            _age_weighted_serial,
            _average_combine,
            _average_deserial,
            _average_serial,
            _bollinger_lower_final,
            _bollinger_upper_final,
            _current_drawdown_final,
            _discrete_percentile_final,
            _drawdown_peak_final,
            _drawdown_trough_final,
            _ewma_volatility_final,
            _excess_kurtosis_final,
            _exponential_average_final,
            _exponential_deviation_final,
            _maximum_drawdown_final,
            _moving_average_final,
            _moving_deviation_final,
            _percentile_combine,
            _percentile_deserial,
            _percentile_final,
            _percentile_serial,
            _population_excess_kurtosis_final,
            _population_skewness_final,
            _price_change_final,
            _price_delta_final,
            _regression_combine,
            _regression_deserial,
            _regression_intercept_final,
            _regression_r2_final,
            _regression_residual_final,
            _regression_serial,
            _regression_slope_final,
            _return_combine,
            _return_deserial,
            _return_serial,
            _sample_volatility_final,
            _shape_combine,
            _shape_deserial,
            _shape_serial,
            _skewness_final,
            _spaced_return_combine,
            _spaced_return_deserial,
            _spaced_return_serial,
            _spaced_volatility_final,
            _weighted_final,
            _zero_mean_volatility_final,
            garch_filter,
            garch_fit,
            garch_forecast,
            log_return,
            simple_return
        ]
    );
    extension_sql_file!("../sql/engine/26_market_comments.sql", requires = ["market"]);
    extension_sql_file!("../sql/engine/30_fold.sql", requires = [fold, fold_schedule]);
    extension_sql_file!(
        "../sql/engine/40_book.sql",
        requires = [_hash_link, _book_parts, _book_version]
    );
    extension_sql_file!("../sql/engine/90_comments.sql", finalize);
}
