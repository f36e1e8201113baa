//! Moving averages and bands.

use pgrx::datum::Internal;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::{answering, combining, joined, read_term, same, write_term};
use crate::domain::market::{ExponentialAverage, MarketError, Spread, WeightedAverage};
use crate::pg::{self, Answer, OrReport};

/// How far a band lies from the average where nothing is said.
const DEVIATIONS: f64 = 2.0;

/// Exact sums, with the number of deviations of a band where one is given.
#[derive(Clone, Default)]
struct Averages {
    spread: Spread,
    deviations: Option<f64>,
}

impl pg::AggregateState for Averages {
    const VERSION: u8 = 1;

    fn merge(&mut self, other: &Self) -> Answer<()> {
        self.deviations = joined("deviations", self.deviations, other.deviations)?;
        self.spread.merge(&other.spread);
        Ok(())
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        write_term(self.deviations, bytes);
        self.spread.write(bytes);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (deviations, rest) = read_term(bytes)?;
        let (spread, rest) = Spread::read(rest)?;
        rest.is_empty().then_some(Self { spread, deviations })
    }
}

pg::transitions! {
    fn _average_transition(state: &mut Averages, value: Option<f64>) {
        match value {
            Some(value) => state.spread.push(value),
            None => Ok(()),
        }
    }

    fn _average_inverse(state: &mut Averages, value: Option<f64>) {
        if let Some(value) = value {
            state.spread.remove(value);
        }
        Ok(())
    }

    fn _band_transition(state: &mut Averages, value: Option<f64>, deviations: Option<f64>) {
        let Some(value) = value else { return Ok(()) };
        same(&mut state.deviations, "deviations", deviations, |given| {
            if given.is_finite() && given >= 0.0 {
                return Ok(given);
            }
            let bounds = "as zero or more standard deviations";
            Err(MarketError::OutOfBounds { name: "deviations", given: given.to_string(), bounds })
        })?;
        state.spread.push(value)
    }

    fn _band_inverse(state: &mut Averages, value: Option<f64>, _deviations: Option<f64>) {
        if let Some(value) = value {
            state.spread.remove(value);
        }
        Ok(())
    }
}

combining!(Averages, _average_combine, _average_serial, _average_deserial);
answering!(_moving_average_final, Averages, f64, |state| Ok(state.spread.mean()));
answering!(_moving_deviation_final, Averages, f64, |state| state.spread.deviation(1));
answering!(_bollinger_lower_final, Averages, f64, |state| {
    state.spread.band(-state.deviations.unwrap_or(DEVIATIONS))
});
answering!(_bollinger_upper_final, Averages, f64, |state| {
    state.spread.band(state.deviations.unwrap_or(DEVIATIONS))
});

pg::transitions! {
    fn _weighted_transition(state: &mut WeightedAverage, value: Option<f64>) {
        match value {
            Some(value) => state.push(value),
            None => Ok(()),
        }
    }

    fn _weighted_inverse(state: &mut WeightedAverage, value: Option<f64>) {
        if let Some(value) = value {
            state.remove_oldest(value);
        }
        Ok(())
    }
}

answering!(_weighted_final, WeightedAverage, f64, |state| Ok(state.average()));

/// Begins with the first row that has a value.
#[derive(Default)]
struct Exponential(Option<ExponentialAverage>);

pg::transitions! {
    fn _exponential_transition(state: &mut Exponential, value: Option<f64>, span: Option<f64>) {
        let Some(value) = value else { return Ok(()) };
        let mut first = state.0.map(|average| average.span());
        let span = same(&mut first, "span", span, Ok)?;
        let mut average = match state.0 {
            Some(average) => average,
            None => ExponentialAverage::over(span)?,
        };
        average.push(value)?;
        state.0 = Some(average);
        Ok(())
    }
}

answering!(_exponential_average_final, Exponential, f64, |state| {
    Ok(state.0.and_then(|average| average.average()))
});
answering!(_exponential_deviation_final, Exponential, f64, |state| {
    state.0.map_or(Ok(None), |average| average.deviation())
});
