//! Prices over time: returns, averages, volatility, drawdown, trends.
//!
//! Wherever a figure follows from sums, the sums are exact ([`ExactSum`]): the answer is the same
//! whatever the order of rows, the number of workers and the way a frame moved, and is rounded once.

mod averages;
pub mod backtest;
mod delta;
mod drawdown;
mod error;
mod exact;
pub mod garch;
mod minimum;
mod normal;
mod percentile;
mod regression;
mod returns;
mod shape;
mod spread;
pub mod tail;
mod volatility;

pub use averages::{ExponentialAverage, SPAN_MAX, WeightedAverage};
pub use delta::{DAYS_MAX, DaysBack};
pub use drawdown::{Drawdown, Quote, Segment, Sliding};
pub use error::{MarketError, finite, price};
pub use exact::ExactSum;
pub use normal::{normal_cdf, normal_density, normal_quantile};
pub use percentile::{Between, Fraction, VALUES_MAX, Values};
pub use regression::Regression;
pub use returns::{log_return, simple_return};
pub use shape::Shape;
pub use spread::Spread;
pub use volatility::{
    AgeWeighted, EwmaVariance, LAMBDA, PERIODS_PER_YEAR, SpacedReturns, annual, lambda,
    periods_per_year, sample_volatility, zero_mean_volatility,
};
