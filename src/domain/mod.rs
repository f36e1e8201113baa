//! The arithmetic of lending: pure functions over values.
//!
//! Nothing here knows PostgreSQL, reads a clock or keeps a global. Every refusal is a value that
//! implements [`error::Refusal`]; nothing panics and no result is silently out of range.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::arithmetic_side_effects)
)]

pub mod actus;
pub mod behaviour;
pub mod calendar;
pub mod cashflow;
pub mod collateral;
pub mod decimal;
pub mod error;
pub mod feed;
pub mod intake;
pub mod lifecycle;
pub mod limits;
pub mod loan;
pub mod market;
pub mod matching;
pub mod money;
pub mod rounding;
