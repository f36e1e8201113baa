//! The weighted average as an aggregate.

use pgrx::datum::Internal;
use pgrx::pg_sys;
use pgrx::prelude::*;
use rust_decimal::Decimal;

use crate::domain::cashflow::WeightedAverage;
use crate::pg::{self, Answer, Num, OrReport};

/// Bytes of a decimal between processes.
const DECIMAL_BYTES: usize = 16;

impl pg::AggregateState for WeightedAverage {
    const VERSION: u8 = 1;

    fn merge(&mut self, other: &Self) -> Answer<()> {
        WeightedAverage::merge(self, other).or_report()
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        let (weighted, weights, rows, rounded) = self.parts();
        bytes.extend(weighted.serialize());
        bytes.extend(weights.serialize());
        bytes.extend(rows.to_le_bytes());
        bytes.push(u8::from(rounded));
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (weighted, rest) = bytes.split_first_chunk::<DECIMAL_BYTES>()?;
        let (weights, rest) = rest.split_first_chunk::<DECIMAL_BYTES>()?;
        let (rows, rounded) = rest.split_first_chunk::<8>()?;
        let &[rounded] = rounded else { return None };
        let [weighted, weights] = [weighted, weights].map(|bytes| Decimal::deserialize(*bytes));
        Some(Self::from_parts(weighted, weights, u64::from_le_bytes(*rows), rounded != 0))
    }
}

/// Rows in which the value or the weight is NULL are passed over, as by any aggregate.
#[pg_extern(immutable, parallel_safe)]
fn _weighted_average_transition(
    state: Internal,
    value: Option<Num>,
    weight: Option<Num>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer<Internal> {
    pg::transition(state, fcinfo, |state: &mut WeightedAverage| match (value, weight) {
        (Some(value), Some(weight)) => state.push(value.0, weight.0).or_report(),
        _ => Ok(()),
    })
}

/// NULL where digits were lost, which makes PostgreSQL sum the frame anew.
#[pg_extern(immutable, parallel_safe)]
fn _weighted_average_inverse(
    state: Internal,
    value: Option<Num>,
    weight: Option<Num>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer<Option<Internal>> {
    let mut removed = true;
    let state = pg::transition(state, fcinfo, |state: &mut WeightedAverage| {
        if let (Some(value), Some(weight)) = (value, weight) {
            removed = state.remove(value.0, weight.0).or_report()?;
        }
        Ok(())
    })?;
    Ok(removed.then_some(state))
}

#[pg_extern(immutable, parallel_safe)]
fn _weighted_average_combine(
    state: Option<Internal>,
    other: Option<Internal>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer<Internal> {
    pg::combine::<WeightedAverage>(state, other, fcinfo)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn _weighted_average_serial(state: Internal) -> Vec<u8> {
    pg::encode::<WeightedAverage>(state)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn _weighted_average_deserial(
    bytes: &[u8],
    _state: Internal,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer<Internal> {
    pg::decode::<WeightedAverage>(bytes, fcinfo)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn _weighted_average_final(state: Internal) -> Answer<Option<Num>> {
    let average = pg::finish(&state, WeightedAverage::finish).transpose().or_report()?;
    Ok(average.flatten().map(Num))
}
