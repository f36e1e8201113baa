//! Returns.

use pgrx::prelude::*;

use crate::domain::market;
use crate::pg::{Answer, OrReport};

#[pg_extern(immutable, parallel_safe)]
fn log_return(previous: f64, current: f64) -> Answer<f64> {
    market::log_return(previous, current).or_report()
}

#[pg_extern(immutable, parallel_safe)]
fn simple_return(previous: f64, current: f64) -> Answer<f64> {
    market::simple_return(previous, current).or_report()
}
