//! Loans.

pub mod level;
