//! Price analytics as functions and aggregates over `double precision`.
//!
//! Rows in which a value is NULL are passed over, as by any aggregate. A parameter must be given in
//! every other row, and be the same in all of a group.

mod averages;
mod delta;
mod drawdown;
mod garch;
mod percentile;
mod regression;
mod returns;
mod shape;
mod volatility;

use std::fmt::Display;

use crate::domain::market::MarketError;
use crate::pg::{Answer, OrReport};

/// The parameter of a row, which must be the first row's; the first is what `check` makes of it.
#[inline]
fn same<T: Copy + PartialEq + Display>(
    slot: &mut Option<T>,
    name: &'static str,
    given: Option<T>,
    check: impl FnOnce(T) -> Result<T, MarketError>,
) -> Result<T, MarketError> {
    let given = given.ok_or(MarketError::Missing(name))?;
    match *slot {
        Some(first) if first == given => Ok(first),
        Some(first) => {
            Err(MarketError::Changed { name, first: first.to_string(), later: given.to_string() })
        }
        None => {
            let first = check(given)?;
            *slot = Some(first);
            Ok(first)
        }
    }
}

/// The parameter of two parts of a group, either of which may have seen no row.
fn joined<T: Copy + PartialEq + Display>(
    name: &'static str,
    mine: Option<T>,
    theirs: Option<T>,
) -> Answer<Option<T>> {
    if let Some(given) = theirs {
        let mut slot = mine;
        same(&mut slot, name, Some(given), Ok).or_report()?;
    }
    Ok(mine.or(theirs))
}

/// A parameter as bytes, not a number where there is none.
fn write_term(term: Option<f64>, bytes: &mut Vec<u8>) {
    bytes.extend(term.unwrap_or(f64::NAN).to_le_bytes());
}

/// What [`write_term`] wrote, and what follows it.
fn read_term(bytes: &[u8]) -> Option<(Option<f64>, &[u8])> {
    let (term, rest) = bytes.split_first_chunk::<8>()?;
    let term = f64::from_le_bytes(*term);
    Some(((!term.is_nan()).then_some(term), rest))
}

/// The three functions that put the states of parallel workers together.
macro_rules! combining {
    ($state:ty, $combine:ident, $serial:ident, $deserial:ident) => {
        #[pg_extern(immutable, parallel_safe)]
        fn $combine(
            state: Option<Internal>,
            other: Option<Internal>,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> Answer<Internal> {
            pg::combine::<$state>(state, other, fcinfo)
        }

        #[pg_extern(immutable, strict, parallel_safe)]
        fn $serial(state: Internal) -> Vec<u8> {
            pg::encode::<$state>(state)
        }

        #[pg_extern(immutable, strict, parallel_safe)]
        fn $deserial(
            bytes: &[u8],
            _state: Internal,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> Answer<Internal> {
            pg::decode::<$state>(bytes, fcinfo)
        }
    };
}
use combining;

/// The final function of an aggregate whose state answers with a number, nothing or a refusal.
macro_rules! answering {
    ($final:ident, $state:ty, $result:ty, $answer:expr) => {
        #[pg_extern(immutable, strict, parallel_safe)]
        fn $final(state: Internal) -> Answer<Option<$result>> {
            let answer: fn(&$state) -> Result<Option<$result>, MarketError> = $answer;
            Ok(pg::finish(&state, answer).transpose().or_report()?.flatten())
        }
    };
}
use answering;
