//! Percentiles.

use pgrx::datum::Internal;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::{combining, joined, read_term, same, write_term};
use crate::domain::market::{Between, Fraction, Values};
use crate::pg::{self, Answer, OrReport};

/// The values of a group and the fraction that is asked for.
#[derive(Clone, Default)]
struct Share {
    values: Values,
    fraction: Option<f64>,
}

impl pg::AggregateState for Share {
    const VERSION: u8 = 1;

    fn merge(&mut self, other: &Self) -> Answer<()> {
        self.fraction = joined("fraction", self.fraction, other.fraction)?;
        self.values.merge(&other.values).or_report()
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        write_term(self.fraction, bytes);
        for value in self.values.iter() {
            bytes.extend(value.to_le_bytes());
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (fraction, rest) = read_term(bytes)?;
        let (values, rest) = rest.as_chunks::<8>();
        let mut state = Self { fraction, ..Self::default() };
        for value in values {
            state.values.push(f64::from_le_bytes(*value)).ok()?;
        }
        rest.is_empty().then_some(state)
    }
}

pg::transitions! {
    fn _percentile_transition(state: &mut Share, value: Option<f64>, fraction: Option<f64>) {
        let Some(value) = value else { return Ok(()) };
        let check = |given| Fraction::new(given).map(Fraction::value);
        same(&mut state.fraction, "fraction", fraction, check)?;
        state.values.push(value)
    }

    fn _percentile_inverse(state: &mut Share, value: Option<f64>, _fraction: Option<f64>) {
        if let Some(value) = value {
            state.values.remove(value);
        }
        Ok(())
    }
}

combining!(Share, _percentile_combine, _percentile_serial, _percentile_deserial);

/// Puts the values into order where they lie, which no later row notices.
fn answer(state: Internal, between: Between) -> Answer<Option<f64>> {
    let found = pg::finish_mut(state, |state: &mut Share| {
        let fraction = state.fraction.map(Fraction::new).transpose()?;
        Ok(fraction.and_then(|fraction| state.values.percentile(fraction, between)))
    });
    let found: Option<Result<_, crate::domain::market::MarketError>> = found;
    Ok(found.transpose().or_report()?.flatten())
}

#[pg_extern(immutable, strict, parallel_safe)]
fn _percentile_final(state: Internal) -> Answer<Option<f64>> {
    answer(state, Between::Interpolated)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn _discrete_percentile_final(state: Internal) -> Answer<Option<f64>> {
    answer(state, Between::Discrete)
}
